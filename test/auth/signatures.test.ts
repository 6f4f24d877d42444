import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  hmacHex,
  isFresh,
  isWellFormedTimestamp,
  LotsHmac,
  parseLegacyMac,
  parseMac,
  readSignatureHeaders,
  sameMac,
  signJobId,
  signLots,
  signRequest,
  stringToSign,
} from '../../src/auth/signatures.js';
import lotsVectors from '../vectors/lots-signature-vectors.json' with { type: 'json' };
import otherVectors from '../vectors/other-vectors.json' with { type: 'json' };
import requestVectors from '../vectors/signed-request-vectors.json' with { type: 'json' };
import { sha256Hex } from '../support/signing.js';

const HEX = 'ab'.repeat(32);

describe('scheme 1', () => {
  it.each(requestVectors)(
    "scheme 1 signs as the contract's vector does: $name",
    ({ key, timestamp, method, target, body, string_to_sign, signature }) => {
      const parts = { timestamp: String(timestamp), method, target, bodySha256Hex: sha256Hex(body) };
      expect(stringToSign(parts)).toBe(string_to_sign);
      expect(signRequest(key, parts)).toBe(signature);
    },
  );

  it("scheme 1 hashes a body after gzip is undone, as the contract's vector does", () => {
    const { key, timestamp, body_base64, decoded_body, x_signature } = otherVectors.gzip_request;
    const body = gunzipSync(Buffer.from(body_base64, 'base64'));
    expect(body.toString()).toBe(decoded_body);
    const target = '/api/v1/generate-descriptions';
    const parts = { timestamp: String(timestamp), method: 'POST', target, bodySha256Hex: sha256Hex(body) };
    expect(signRequest(key, parts)).toBe(x_signature);
  });

  it('scheme 1 signs the bytes of a target that is not ASCII, which Node shows as Latin-1', () => {
    const parts = { timestamp: '1767225600', method: 'GET', bodySha256Hex: sha256Hex('') };
    const shown = Buffer.from('/лот').toString('latin1');
    expect(signRequest('k', { ...parts, target: shown })).toBe(
      `v1=${hmacHex('k', stringToSign({ ...parts, target: '/лот' }))}`,
    );
  });

  it.each([
    ['1767225600', true],
    ['176722560', false],
    ['17672256000', false],
    ['1767225600.5', false],
    ['-176722560', false],
    ['１７６７２２５６００', false],
    ['1767225600\n', false],
    ['', false],
    [undefined, false],
  ])('the timestamp %j is well-formed: %s', (timestamp, wellFormed) => {
    expect(isWellFormedTimestamp(timestamp)).toBe(wellFormed);
  });

  it.each([
    [-301, false],
    [-300, true],
    [0, true],
    [300, true],
    [301, false],
  ])('a timestamp %i s from now is fresh: %s', (away, fresh) => {
    expect(isFresh(String(1_767_225_600 + away), 1_767_225_600_999)).toBe(fresh);
  });
});

describe('scheme 2', () => {
  it.each(lotsVectors)("scheme 2 signs as the contract's vector does: $name", ({ key, lots_json, signature }) => {
    expect(signLots(key, lots_json)).toBe(signature);
  });

  it.each(lotsVectors)('scheme 2 signs the same lot by lot: $name', ({ key, lots_json, signature }) => {
    const hmac = new LotsHmac(['another secret', key]);
    for (const text of elementsOf(lots_json)) hmac.add(text);
    expect(hmac.digests().map((digest) => digest.toString('hex'))[1]).toBe(signature);
  });

  it("scheme 2 signs a job id, a list and the lots of a webhook as the contract's vectors do", () => {
    const { job_signature: job, list_signature: list, webhook } = otherVectors;
    expect(signJobId(job.key, job.job_id)).toBe(job.x_signature);
    expect(hmacHex(list.key, list.target)).toBe(list.x_signature);
    const { lots } = JSON.parse(webhook.body) as { lots: unknown };
    expect(signLots(webhook.shared_key, JSON.stringify(lots))).toBe(webhook.lots_signature);
  });

  it('scheme 2 signs no lots as an empty array, and many like one text', () => {
    expect(new LotsHmac(['k']).digests()[0]?.toString('hex')).toBe(signLots('k', '[]'));
    const lots = Array.from({ length: 2000 }, (_, index) => `{"lot_id":"${index}","a":"лот"}`);
    const hmac = new LotsHmac(['k']);
    for (const lot of lots) hmac.add(lot);
    expect(hmac.digests()[0]?.toString('hex')).toBe(signLots('k', `[${lots.join(', ')}]`));
  });

  it('scheme 2 signs a value that is no array as it stands', () => {
    const hmac = new LotsHmac(['k']);
    hmac.useWhole('{"b":1.50,"a":2}');
    expect(hmac.digests()[0]?.toString('hex')).toBe(hmacHex('k', '{"a":2,"b":1.5}'));
  });
});

describe('reading signatures', () => {
  it.each([
    [HEX, true],
    [HEX.toUpperCase(), false],
    [HEX.slice(1), false],
    [`${HEX}ab`, false],
    [`${HEX}\n`, false],
    [` ${HEX}`, false],
    ['zz'.repeat(32), false],
    ['', false],
  ])('the signature %j is 32 bytes in hex: %s', (text, good) => {
    expect(parseMac(text) !== null).toBe(good);
    expect(parseLegacyMac(text) !== null).toBe(good);
    expect(parseLegacyMac(`sha256=${text}`) !== null).toBe(good);
  });

  it.each(['sha256=sha256=', 'SHA256=', 'v1=', 'sha1='])('a signature of scheme 2 takes no %s before it', (prefix) => {
    expect(parseLegacyMac(prefix + HEX)).toBeNull();
  });

  it('signatures are compared as bytes', () => {
    expect(sameMac(Buffer.from(HEX, 'hex'), Buffer.from(HEX, 'hex'))).toBe(true);
    expect(sameMac(Buffer.from(HEX, 'hex'), Buffer.from(`${HEX.slice(2)}ac`, 'hex'))).toBe(false);
    expect(sameMac(Buffer.from(HEX, 'hex'), Buffer.alloc(31))).toBe(false);
  });

  it('signature headers are read in any case, and each that is doubled is seen', () => {
    const headers = ['host', 'h', 'x-SIGNATURE', 's', 'X-Timestamp', 't', 'X-KEY-ID', 'k'];
    expect(readSignatureHeaders(headers)).toEqual({ signature: 's', timestamp: 't', keyId: 'k', doubled: false });
    expect(readSignatureHeaders([])).toEqual({ doubled: false });
    for (const name of ['x-signature', 'x-timestamp', 'x-key-id']) {
      expect(readSignatureHeaders([...headers, name, 'again']).doubled).toBe(true);
      expect(readSignatureHeaders([name, '', name, '']).doubled).toBe(true);
    }
    expect(readSignatureHeaders(['host', 'a', 'host', 'b', 'constructor', 'c']).doubled).toBe(false);
  });
});

/** The source text of each element, by asking JSON.parse where a prefix is whole. */
function elementsOf(arrayText: string): string[] {
  const elements: string[] = [];
  let rest = arrayText.trim().slice(1, -1);
  while (rest.trim() !== '') {
    const end = [...rest.matchAll(/,|$/g)].map(({ index }) => index).find((index) => isJson(rest.slice(0, index)));
    if (end === undefined) throw new Error('the vector is not JSON');
    elements.push(rest.slice(0, end).trim());
    rest = rest.slice(end + 1);
  }
  return elements;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
