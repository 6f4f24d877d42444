import { SettingReader } from './setting-reader.js';

/**
 * The variables of this process's environment that a sandbox started by it may see: its own settings, and none of our
 * secrets.
 */
export function sandboxEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && (name.startsWith('SANDBOX_') || SYSTEM_VARIABLES.has(name))) kept[name] = value;
  }
  return kept;
}

/** OUTBOUND_ALLOW as passed to the sandbox's process: private hosts and CIDRs whose photos it may fetch. */
export function sandboxAllowList(): string[] {
  return new SettingReader(process.env).list('OUTBOUND_ALLOW');
}

/** Without these a child does not find its libraries, its temporary folder or (on Windows) its sockets. */
const SYSTEM_VARIABLES = new Set([
  'PATH',
  'HOME',
  'TMPDIR',
  'TEMP',
  'TMP',
  'TZ',
  'LANG',
  'LD_LIBRARY_PATH',
  'SystemRoot',
  'NODE_EXTRA_CA_CERTS',
]);
