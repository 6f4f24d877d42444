import { invalid, missingParameter, wrongType, wrongValue } from '../http/api-error.js';
import { isObject, typeName, type JsonObject } from '../json.js';
import type { Breakpoint, PhotoPart } from './response-request.js';

const MOST_PHOTOS = 1500;
const ROLES = ['assistant', 'system', 'developer', 'user'];
const DETAILS = ['low', 'high', 'auto', 'original'] as const;
const PART_TYPES = [
  'input_text',
  'input_image',
  'output_text',
  'refusal',
  'input_file',
  'computer_screenshot',
  'summary_text',
];

export interface RequestInput {
  readonly texts: string[];
  readonly userTexts: string[];
  readonly photos: PhotoPart[];
  /** Marked parts; texts and photos of the input alone are counted. */
  readonly breakpoints: Breakpoint[];
}

/**
 * Reads `input`: a text, or messages whose content is a text or a list of parts.
 * @throws ApiError 400 with the path of the part that is wrong
 */
export function readInput(value: unknown): RequestInput {
  const input: RequestInput = { texts: [], userTexts: [], photos: [], breakpoints: [] };
  if (value === undefined || value === null) throw missingParameter('input');
  if (typeof value === 'string') {
    addText(input, 'user', value);
    return input;
  }
  if (!Array.isArray(value)) {
    throw wrongType('input', 'one of an array of objects or string', typeName(value));
  }
  for (const [index, item] of value.entries()) readMessage(input, item, `input[${index}]`);
  if (input.photos.length > MOST_PHOTOS) {
    const message = `Too many images in the request: expected at most ${MOST_PHOTOS}, but got ${input.photos.length}.`;
    throw invalid(message, 'input', 'invalid_value');
  }
  return input;
}

function readMessage(input: RequestInput, item: unknown, path: string): void {
  if (!isObject(item)) throw wrongType(path, 'an object', typeName(item));
  if (item['type'] !== undefined && item['type'] !== 'message') {
    throw wrongValue(`${path}.type`, item['type'], ['message']);
  }
  const role = item['role'];
  if (role === undefined) throw missingParameter(`${path}.role`);
  if (typeof role !== 'string' || !ROLES.includes(role)) throw wrongValue(`${path}.role`, role, ROLES);
  const content = item['content'];
  if (content === undefined) throw missingParameter(`${path}.content`);
  if (typeof content === 'string') {
    addText(input, role, content);
    return;
  }
  if (!Array.isArray(content)) {
    throw wrongType(`${path}.content`, 'one of an array of objects or string', typeName(content));
  }
  for (const [index, part] of content.entries()) readPart(input, role, part, `${path}.content[${index}]`);
}

function readPart(input: RequestInput, role: string, part: unknown, path: string): void {
  if (!isObject(part)) throw wrongType(path, 'an object', typeName(part));
  const type = part['type'];
  if (type === undefined) throw missingParameter(`${path}.type`);
  if (typeof type !== 'string' || !PART_TYPES.includes(type)) throw wrongValue(path, type, PART_TYPES);
  if (type === 'input_text' || type === 'output_text') {
    const text = part['text'];
    if (text === undefined) throw missingParameter(`${path}.text`);
    if (typeof text !== 'string') throw wrongType(`${path}.text`, 'a string', typeName(text));
    addText(input, role, text);
  } else if (type === 'input_image') {
    input.photos.push({ ...readPhoto(part, path), number: announced(input) });
  } else {
    throw invalid(`The sandbox does not simulate parts of type '${type}'.`, path, 'invalid_value');
  }
  readBreakpoint(input, part['prompt_cache_breakpoint'], `${path}.prompt_cache_breakpoint`);
}

function readBreakpoint(input: RequestInput, value: unknown, path: string): void {
  if (value === undefined || value === null) return;
  if (!isObject(value)) throw wrongType(path, 'an object', typeName(value));
  if (value['mode'] !== 'explicit') throw wrongValue(`${path}.mode`, value['mode'], ['explicit']);
  input.breakpoints.push({ texts: input.texts.length, photos: input.photos.length });
}

function readPhoto(part: JsonObject, path: string): Omit<PhotoPart, 'number'> {
  const url = part['image_url'];
  if (part['file_id'] !== undefined && part['file_id'] !== null) {
    throw invalid(`The sandbox does not simulate images by 'file_id'.`, `${path}.file_id`, 'invalid_value');
  }
  if (url === undefined || url === null) throw missingParameter(`${path}.image_url`);
  if (typeof url !== 'string') throw wrongType(`${path}.image_url`, 'an image URL', typeName(url));
  if (!/^(https?:\/\/|data:)/i.test(url)) {
    const message = `Invalid '${path}.image_url'. Expected a valid URL, but got a value with an invalid format.`;
    throw invalid(message, `${path}.image_url`, 'invalid_value');
  }
  const detail = part['detail'];
  if (detail === undefined || detail === null) throw missingParameter(`${path}.detail`);
  const known = DETAILS.find((candidate) => candidate === detail);
  if (known === undefined) throw wrongValue(`${path}.detail`, detail, DETAILS);
  return { url, detail: known, path };
}

function announced(input: RequestInput): number {
  const named = /\b(?:photo|image|picture)\s+(\d{1,4})\b/i.exec(input.texts.at(-1) ?? '')?.[1];
  const number = Number(named);
  const isFree = named !== undefined && !input.photos.some((photo) => photo.number === number);
  return isFree ? number : input.photos.length + 1;
}

function addText(input: RequestInput, role: string, text: string): void {
  input.texts.push(text);
  if (role === 'user') input.userTexts.push(text);
}
