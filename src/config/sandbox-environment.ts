import { SettingReader } from './setting-reader.js';

/** What of this process's environment a sandbox started by it may see: its own settings, and nothing secret of ours. */
export function sandboxEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && (name.startsWith('SANDBOX_') || SYSTEM_VARIABLES.has(name))) kept[name] = value;
  }
  return kept;
}

/** OUTBOUND_ALLOW as the sandbox's process was given it: the hosts and CIDRs whose photos it may fetch too. */
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
