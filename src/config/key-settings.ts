import type { SettingReader } from './setting-reader.js';

/** A shorter secret can be guessed. */
const MIN_SECRET_BYTES = 32;
const KEY_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** SHARED_KEYS (JSON: id → secret or [new, old]) or SHARED_KEY (the single id `default`). */
export function readKeys(read: SettingReader): ReadonlyMap<string, readonly string[]> {
  const single = read.secret('SHARED_KEY');
  const many = read.jsonObject('SHARED_KEYS', read.secret('SHARED_KEYS'));
  if (single !== '' && many !== null) read.problem('SHARED_KEY and SHARED_KEYS are both set; keep one');
  const keys = secretsById(read, 'SHARED_KEYS', many ?? (single === '' ? {} : { default: single }), 2);
  if (keys.size === 0) read.problem('SHARED_KEY or SHARED_KEYS is needed: the secrets that clients sign with');
  const owners = new Map<string, string>();
  for (const [id, secrets] of keys) {
    for (const secret of secrets) {
      if (Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
        read.problem(`SHARED_KEY(S): a secret of key id ${id} is shorter than ${MIN_SECRET_BYTES} bytes`);
      }
      const owner = owners.get(secret);
      if (owner !== undefined) read.problem(`SHARED_KEYS: the ids ${owner} and ${id} have the same secret`);
      owners.set(secret, id);
    }
  }
  return keys;
}

/** AUTH_LOTS_SIGNATURE: true, false, or the key ids that may still use the lots signature. */
export function readLotsSignature(
  read: SettingReader,
  keys: ReadonlyMap<string, readonly string[]>,
): boolean | ReadonlySet<string> {
  const value = read.text('AUTH_LOTS_SIGNATURE', 'true');
  if (value === 'true' || value === 'false') return value === 'true';
  const ids = read.list('AUTH_LOTS_SIGNATURE');
  for (const id of ids)
    if (!keys.has(id)) read.problem('AUTH_LOTS_SIGNATURE names a key id that is not in SHARED_KEYS');
  return new Set(ids);
}

/** WEBHOOK_SECRETS (JSON: id → one or more `whsec_…`), or WEBHOOK_SECRET where there is one key id. */
export function readWebhookSecrets(
  read: SettingReader,
  keys: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly string[]> {
  const single = read.secret('WEBHOOK_SECRET');
  const many = read.jsonObject('WEBHOOK_SECRETS', read.secret('WEBHOOK_SECRETS'));
  if (single !== '' && many !== null) read.problem('WEBHOOK_SECRET and WEBHOOK_SECRETS are both set; keep one');
  if (single !== '' && keys.size > 1) {
    read.problem('WEBHOOK_SECRET serves a single key id; with several, use WEBHOOK_SECRETS');
  }
  const onlyId = [...keys.keys()][0];
  const given = many ?? (single === '' || onlyId === undefined ? {} : { [onlyId]: single });
  const secrets = secretsById(read, 'WEBHOOK_SECRETS', given, 5);
  for (const [id, values] of secrets) {
    if (keys.size > 0 && !keys.has(id)) read.problem(`WEBHOOK_SECRETS: the key id ${id} is not in SHARED_KEYS`);
    for (const value of values) {
      const bytes = value.startsWith('whsec_') ? Buffer.from(value.slice(6), 'base64').length : 0;
      if (bytes < 24 || bytes > 64) {
        read.problem(`WEBHOOK_SECRET(S): a secret of key id ${id} must be whsec_ and the base64 of 24 to 64 bytes`);
      }
    }
  }
  return secrets;
}

function secretsById(
  read: SettingReader,
  name: string,
  given: Record<string, unknown>,
  most: number,
): ReadonlyMap<string, readonly string[]> {
  const byId = new Map<string, readonly string[]>();
  for (const [id, value] of Object.entries(given)) {
    const secrets: unknown[] = Array.isArray(value) ? value : [value];
    if (!KEY_ID.test(id)) {
      read.problem(`${name}: a key id must be 1 to 64 of A-Z a-z 0-9 . _ -`);
    } else if (
      secrets.length === 0 ||
      secrets.length > most ||
      !secrets.every((secret): secret is string => typeof secret === 'string' && secret !== '')
    ) {
      read.problem(`${name}: key id ${id} needs a secret or a list of 1 to ${most}`);
    } else {
      byId.set(id, secrets);
    }
  }
  return byId;
}
