import { describe, expect, it } from 'vitest';
import { addressGroup, UploadGate } from '../../src/auth/upload-gate.js';
import { ServiceError } from '../../src/common/service-error.js';
import { authConfig, codeOf } from './auth-support.js';

const MIB = 1024 * 1024;

function gate(): UploadGate {
  return new UploadGate(authConfig({ MAX_UPLOADS: '8', SPOOL_MAX_BYTES: String(MIB) }));
}

function headersOf(work: () => unknown): Record<string, string> {
  try {
    work();
  } catch (error) {
    if (error instanceof ServiceError) return error.headers;
  }
  throw new Error('nothing was refused');
}

describe('uploads that are not yet proven', () => {
  it('lets one address use what is free, but no more than its share once the gate is busy', () => {
    const uploads = gate();
    for (let count = 0; count < 4; count++) uploads.enter('192.0.2.1');
    expect(codeOf(() => uploads.enter('192.0.2.1'))).toBe('RATE_LIMITED');
    expect(headersOf(() => uploads.enter('192.0.2.1'))).toHaveProperty('Retry-After');
    uploads.enter('192.0.2.2');
    uploads.enter('192.0.2.2');
    expect(codeOf(() => uploads.enter('192.0.2.2'))).toBe('RATE_LIMITED');
    uploads.enter('192.0.2.3');
  });

  it('is full at MAX_UPLOADS, whoever asks', () => {
    const uploads = gate();
    for (let count = 0; count < 8; count++) uploads.enter(`192.0.2.${count}`);
    expect(codeOf(() => uploads.enter('198.51.100.1'))).toBe('SERVICE_UNAVAILABLE');
    expect(headersOf(() => uploads.enter('198.51.100.1'))).toHaveProperty('Retry-After');
  });

  it('counts an upload until it is proven or released, once', () => {
    const uploads = gate();
    const [first, second] = [uploads.enter('192.0.2.1'), uploads.enter('192.0.2.1')];
    first.proven();
    first.proven();
    first.release();
    expect(uploads.usage).toEqual({ uploads: 1, addresses: 1, spoolBytes: 0 });
    second.release();
    second.release();
    expect(uploads.usage).toEqual({ uploads: 0, addresses: 0, spoolBytes: 0 });
  });

  it('accounts for spool space past the proof, and gives all of it back', () => {
    const uploads = gate();
    const [first, second] = [uploads.enter('192.0.2.1'), uploads.enter('192.0.2.2')];
    first.take(MIB - 10);
    first.proven();
    second.take(10);
    expect(codeOf(() => second.take(1))).toBe('SERVICE_UNAVAILABLE');
    first.give(5);
    second.take(5);
    second.give(1000);
    expect(uploads.usage.spoolBytes).toBe(MIB - 15);
    first.release();
    second.release();
    expect(uploads.usage.spoolBytes).toBe(0);
  });

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:db8:1:3::1', '2001:db8:1:3'],
    [undefined, 'unknown'],
    ['nonsense', 'unknown'],
  ])('the address %s counts as %s', (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});
