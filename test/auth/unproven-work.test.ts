import { describe, expect, it, vi } from 'vitest';
import { claimKey } from '../../src/auth/admission/claimant.js';
import { UnprovenWork } from '../../src/auth/admission/unproven-work.js';
import { UploadGate } from '../../src/auth/upload-gate.js';
import { authConfig, codeOf, heldClock } from './auth-support.js';

/** Settles when `finish` is called; until then the work on the body goes on. */
interface Running {
  readonly done: Promise<void>;
  finish(): void;
}

function rig() {
  const gate = new UploadGate(authConfig(), heldClock());
  const work = new UnprovenWork();
  const started: string[] = [];
  const upload = (address: string, good = false) => {
    if (good) gate.admit({ address, key: claimKey(address, 'v1'), peer: null }).proven();
    return gate.admit({ address, key: claimKey(address, 'v1'), peer: null });
  };
  const begin = (address: string, good = false): Running => {
    let finish: () => void = () => undefined;
    const done = work.run(upload(address, good), () => {
      started.push(address);
      return new Promise<void>((resolve) => (finish = resolve));
    });
    return { done, finish: () => finish() };
  };
  return { work, upload, begin, started };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Stops the clock, so that work takes exactly as long as a test says. */
function holdTime(): { spend: (ms: number) => void } {
  let now = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  return { spend: (ms) => (now += ms) };
}

describe('the work on bodies that are not proven', () => {
  it('the work on bodies that are not proven is done for two strangers side by side; others wait, and known ones do not wait for them', async () => {
    const { begin, started } = rig();
    const strangers = ['a', 'b', 'c'].map((name) => begin(`192.0.2.${name}`));
    const known = begin('198.51.100.1', true);
    await turn();
    expect(started).toEqual(['192.0.2.a', '192.0.2.b', '198.51.100.1']);
    strangers[0]?.finish();
    await strangers[0]?.done;
    await turn();
    expect(started.at(-1)).toBe('192.0.2.c');
    for (const running of [...strangers, known]) running.finish();
    await Promise.all([...strangers, known].map(({ done }) => done));
  });

  it('the work on bodies that are not proven goes on with the sender that used least time lately', async () => {
    const { work, upload, begin, started } = rig();
    const clock = holdTime();
    try {
      await work.run(upload('192.0.2.1'), async (turns) => {
        await Promise.resolve();
        void turns.work(() => clock.spend(5));
      });
      const running = ['a', 'b'].map((name) => begin(`192.0.2.${name}`));
      await turn();
      const waiting = [begin('192.0.2.1'), begin('192.0.2.9')];
      running[0]?.finish();
      await turn();
      expect(started.at(-1)).toBe('192.0.2.9');
      for (const one of running) one.finish();
      waiting[1]?.finish();
      await turn();
      waiting[0]?.finish();
      await Promise.all([...running, ...waiting].map(({ done }) => done));
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('the work on bodies that are not proven gives the event loop back after some milliseconds, and rests as long as it worked', async () => {
    const { work, upload } = rig();
    const clock = holdTime();
    const waits = vi.spyOn(globalThis, 'setTimeout');
    try {
      await work.run(upload('192.0.2.1'), async (turns) => {
        expect(turns.work(() => clock.spend(2))).toBeUndefined();
        await turns.work(() => clock.spend(8));
        await turns.work(() => clock.spend(6));
      });
      const rests = waits.mock.calls.map(([, ms]) => ms);
      expect(rests[0]).toBe(10);
      // The turn after the first rest was not over yet by its own count.
      expect(rests[1]).toBeGreaterThanOrEqual(6);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('the work on bodies that are not proven rests eight times as long while new connections come', async () => {
    const { work, upload } = rig();
    work.watchCrowd(() => true);
    const clock = holdTime();
    const waits = vi.spyOn(globalThis, 'setTimeout');
    try {
      await work.run(upload('192.0.2.1'), async (turns) => {
        await turns.work(() => clock.spend(10));
      });
      expect(waits.mock.calls[0]?.[1]).toBe(80);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('the work on bodies that are not proven is ended when it takes too long while others wait, and only then', async () => {
    const { work, upload, begin } = rig();
    const clock = holdTime();
    try {
      await work.run(upload('192.0.2.1'), async (turns) => {
        await Promise.resolve();
        void turns.work(() => clock.spend(5000));
      });
      const other = begin('192.0.2.2');
      const waiting: Running[] = [];
      const outcome = work.run(upload('192.0.2.3'), async (turns) => {
        waiting.push(begin('192.0.2.4'));
        await turn();
        return codeOf(() => void turns.work(() => clock.spend(5000)));
      });
      expect(await outcome).toBe('SERVICE_UNAVAILABLE');
      other.finish();
      await turn();
      waiting[0]?.finish();
      await Promise.all([other.done, waiting[0]?.done]);
    } finally {
      vi.restoreAllMocks();
    }
  });
});
