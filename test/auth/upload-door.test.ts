import { beforeEach, describe, expect, it } from 'vitest';
import { claimantAt } from '../../src/auth/admission/claimant.js';
import { UploadDoor } from '../../src/auth/admission/upload-door.js';
import { UploadGate } from '../../src/auth/upload-gate.js';
import { authConfig, heldClock } from './auth-support.js';

const STRANGER = '198.51.100.1';
const KNOWN = '198.51.100.2';
/** Of four places. */
const FOR_STRANGERS = 3;
const PING = 'POST /api/v1/webhooks/ping HTTP/1.1';

let gate: UploadGate;
let door: UploadDoor;
beforeEach(() => {
  gate = new UploadGate(authConfig({ MAX_UPLOADS: '4' }), heldClock());
  door = new UploadDoor(gate, true);
  gate.admit(claimantAt(KNOWN, undefined)).proven();
  for (let count = 0; count < FOR_STRANGERS; count++) gate.admit(claimantAt(`192.0.2.${count}`, undefined));
});

/** The status of the refusal of this head; null where it goes on to the parser. */
function refused(lines: string[], address = STRANGER): number | null {
  const answer = door.refuseUnparsed(lines.join('\r\n'), address);
  return answer === null ? null : Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1]);
}

describe('the door for bodies', () => {
  it.each([
    ['an upload', ['POST /api/v1/generate-descriptions HTTP/1.1', 'Host: h', 'Content-Length: 100']],
    ['a small body of a guarded route', [PING, 'Host: h', 'Content-Length: 60']],
    ['a body in chunks', [PING, 'Host: h', 'transfer-encoding: chunked']],
    ['a length that begins with zeros', [PING, 'Content-Length:007']],
    ['a GET with a body', ['GET /api/v1/batch-jobs?limit=1 HTTP/1.1', 'content-length: 1']],
    ['a path in upper case', ['POST /API/V1/webhooks/ping HTTP/1.1', 'Content-Length: 60']],
    ['a target that is a whole URI', ['POST http://h:1/api/v1/webhooks/ping HTTP/1.1', 'Content-Length: 60']],
  ])(
    'the door for bodies refuses a stranger before anything is parsed while all places are taken: %s',
    (_name, head) => {
      expect(refused(head)).toBe(503);
    },
  );

  it.each([
    ['no body', ['GET /api/v1/batch-jobs HTTP/1.1', 'Host: h']],
    ['an empty body', [PING, 'Host: h', 'Content-Length: 0']],
    ['a probe, even with a body', ['GET /health HTTP/1.1', 'Host: h', 'Content-Length: 2']],
    ['a header that only ends like the length', [PING, 'X-Content-Length: 60']],
  ])('the door for bodies lets pass what holds nothing: %s', (_name, head) => {
    expect(refused(head)).toBeNull();
  });

  it('the door for bodies lets an address in whose last request was rightly signed', () => {
    expect(refused([PING, 'Host: h', 'Content-Length: 60'], KNOWN)).toBeNull();
  });

  it('the door for bodies does not judge by the address of a proxy', () => {
    door = new UploadDoor(gate, false);
    expect(refused([PING, 'Host: h', 'Content-Length: 60'])).toBeNull();
  });
});
