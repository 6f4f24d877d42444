import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

// Node reads certificates and makes none. These are the few lines of DER (X.690) that RFC 5280 asks of a self-signed one,
// so that no private key has to lie in the tree and no openssl on the machine.

const OID_ECDSA_WITH_SHA256 = '06082a8648ce3d040302';
const OID_COMMON_NAME = '0603550403';
const OID_BASIC_CONSTRAINTS = '0603551d13';
const OID_SUBJECT_ALT_NAME = '0603551d11';
const TRUE = '0101ff';

const TAG = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  utf8: 0x0c,
  time: 0x17,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
};

/** A self-signed certificate and its key, both PEM, for the names in the order given. */
export function selfSigned(...names: readonly [string, ...string[]]): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der('sequence', hex(OID_ECDSA_WITH_SHA256));
  const name = der('sequence', der('set', der('sequence', hex(OID_COMMON_NAME), der('utf8', Buffer.from(names[0])))));
  const alternatives = der('sequence', ...names.map((each) => der('dnsName', Buffer.from(each))));
  const body = der(
    'sequence',
    der('version', der('integer', hex('02'))),
    // The first byte keeps the number positive: a number whose first bit is set is negative.
    der('integer', hex('01'), randomBytes(8)),
    algorithm,
    name,
    // Valid at any time at which tests may run. The years 50 to 99 would mean 1950 to 1999.
    der('sequence', der('time', Buffer.from('000101000000Z')), der('time', Buffer.from('491231235959Z'))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      'extensions',
      der(
        'sequence',
        der('sequence', hex(OID_BASIC_CONSTRAINTS), hex(TRUE), der('octets', der('sequence', hex(TRUE)))),
        der('sequence', hex(OID_SUBJECT_ALT_NAME), der('octets', alternatives)),
      ),
    ),
  );
  const whole = der('sequence', body, algorithm, der('bits', hex('00'), sign('sha256', body, privateKey)));
  const lines = whole.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function der(tag: keyof typeof TAG, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([TAG[tag], ...size]), content]);
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}
