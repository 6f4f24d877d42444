import { expect, it } from 'vitest';
import { loadSandboxSettings } from '../src/settings.js';

it('the sandbox refuses wrong settings together, by name and never with a value', () => {
  const wrong = { SANDBOX_PHOTOS: 'maybe', SANDBOX_FAULTS: '{', SANDBOX_MODELS: '{"m":1}', SANDBOX_PORT: '70000' };
  const load = () => loadSandboxSettings(wrong);
  for (const name of Object.keys(wrong)) expect(load).toThrow(name);
  expect(load).not.toThrow(/maybe|70000/);
});
