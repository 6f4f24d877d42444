import { topLevelToken, isObject } from '../../common/json-tokens.js';
import type { AddressVerdicts } from './address-verdicts.js';
import { characters, isStorable, type FieldProblems } from './field-problems.js';
import type { UnknownMembers } from './unknown-members.js';

/** Characters of a lot_id. */
export const MAX_LOT_ID = 100;
/** Characters of an additional_info. */
export const MAX_INFO = 4000;

/** A lot of a request, checked. */
export interface RequestedLot {
  readonly lotId: string;
  readonly additionalInfo: string | null;
  readonly images: readonly string[];
  readonly webhook: string | null;
}

/** Where the rules report violations; one lot may have several. */
export interface LotReport {
  readonly problems: FieldProblems;
  /** Members that the service does not know: no problem, but worth a warning. */
  readonly unknown: UnknownMembers;
  /** A photo's address that is not http(s) or is refused without DNS. */
  invalidImage(url: string): void;
  /** A webhook's address that is refused without DNS. */
  invalidWebhook(url: string, path: string): void;
}

/**
 * Checks one lot: plain functions, because class-validator costs four times as much on 50,000 of them (measured).
 * @param value - the lot as parsed
 * @param source - the lot's text as sent: JSON.parse loses the digits of large integers and makes 1.0 an integer
 * @returns the lot, or null after a reported problem that leaves nothing to check further
 */
export function checkLot(
  value: unknown,
  source: () => string,
  position: number,
  urls: AddressVerdicts,
  report: LotReport,
): RequestedLot | null {
  const path = `lots[${position}]`;
  if (!isObject(value)) {
    report.problems.add(path, 'must be an object');
    return null;
  }
  report.unknown.lot(value, position);
  const lotId = checkLotId(value['lot_id'], source, path, report.problems);
  const additionalInfo = checkInfo(value['additional_info'], path, report.problems);
  const images = checkImages(value['images'], `${path}.images`, urls, report, (image, index) =>
    report.unknown.photo(image, position, index),
  );
  const webhook = checkWebhook(value['webhook'], `${path}.webhook`, urls, report);
  if (lotId === null || images === null) return null;
  return { lotId, additionalInfo, images, webhook };
}

function checkLotId(value: unknown, source: () => string, path: string, problems: FieldProblems): string | null {
  let lotId: string | undefined;
  if (typeof value === 'string') lotId = value;
  else if (typeof value === 'number') {
    const digits = topLevelToken(source(), 'lot_id');
    // Python clients that number their lots have no minus zero.
    if (digits !== null && /^-?\d+$/.test(digits)) lotId = digits === '-0' ? '0' : digits;
  }
  if (lotId === undefined) {
    problems.add(`${path}.lot_id`, 'must be a string or an integer');
    return null;
  }
  const length = characters(lotId);
  if (length < 1 || length > MAX_LOT_ID || !isStorable(lotId)) {
    problems.add(`${path}.lot_id`, `must have 1 to ${MAX_LOT_ID} characters, without U+0000 or lone surrogates`);
    return null;
  }
  return lotId;
}

function checkInfo(value: unknown, path: string, problems: FieldProblems): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string' || characters(value) > MAX_INFO || !isStorable(value)) {
    problems.add(
      `${path}.additional_info`,
      `must be a string of at most ${MAX_INFO} characters, without U+0000 or lone surrogates`,
    );
    return null;
  }
  return value;
}

/**
 * Checks a list of photos, of a lot or on their own.
 * @param path - where the list stands in the body
 * @param eachObject - called with every photo that is no plain string
 * @returns the addresses as sent, repeated ones too; null when it is no list
 */
export function checkImages(
  value: unknown,
  path: string,
  urls: AddressVerdicts,
  report: Pick<LotReport, 'problems' | 'invalidImage'>,
  eachObject: (image: Readonly<Record<string, unknown>>, index: number) => void = () => undefined,
): string[] | null {
  if (!Array.isArray(value)) {
    report.problems.add(path, 'must be an array of photos, each an object with url or a string');
    return null;
  }
  const addresses: string[] = [];
  for (const [index, image] of value.entries()) {
    const url: unknown = isObject(image) ? image['url'] : image;
    if (isObject(image)) eachObject(image, index);
    if (typeof url !== 'string') {
      report.problems.add(`${path}[${index}]`, 'must be an object with url or a string');
      continue;
    }
    if (!isStorable(url) || !urls.isAllowed(url)) report.invalidImage(url);
    addresses.push(url);
  }
  return addresses;
}

/** Checks a webhook's address; null and "" are absent. */
export function checkWebhook(value: unknown, path: string, urls: AddressVerdicts, report: LotReport): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string') {
    report.problems.add(path, 'must be a string');
    return null;
  }
  if (!isStorable(value) || !urls.isAllowed(value)) report.invalidWebhook(value, path);
  return value;
}
