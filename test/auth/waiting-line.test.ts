import { describe, expect, it } from 'vitest';
import { WaitingLine } from '../../src/auth/admission/waiting-line.js';

describe('the line of those who were refused', () => {
  it('the waiting line lets every client in while there is room and no client waits', () => {
    const line = new WaitingLine();
    expect(line.ask('a', 2, 0)).toBeNull();
    expect(line.ask('b', 1, 0)).toBeNull();
    expect(line.ask('c', 0, 0)).toBe(2000);
  });

  it('the waiting line lets in a client that came back at its time before clients that came later', () => {
    const line = new WaitingLine();
    expect(line.ask('first', 0, 0)).toBe(2000);
    expect(line.ask('first', 0, 2000)).toBe(2000);
    // One place became free: it is kept for the client that waits.
    expect(line.ask('newcomer', 1, 3000)).toBe(2000);
    expect(line.ask('first', 1, 4000)).toBeNull();
    expect(line.ask('newcomer', 1, 5000)).toBeNull();
  });

  it('the waiting line keeps no place for clients that never come back, and drops the place of one that stops', () => {
    const line = new WaitingLine();
    for (let stranger = 0; stranger < 5000; stranger++) line.ask(`passing ${stranger}`, 0, 0);
    expect(line.ask('newcomer', 1, 1000)).toBeNull();
    line.ask('stops', 0, 1000);
    line.ask('stops', 0, 3000);
    expect(line.ask('newcomer', 1, 4000)).not.toBeNull();
    expect(line.ask('newcomer', 1, 20_000)).toBeNull();
  });

  it('the waiting line gives no advantage for coming too early', () => {
    const line = new WaitingLine();
    line.ask('hasty', 0, 0);
    expect(line.ask('hasty', 0, 100)).toBe(1900);
    expect(line.ask('patient', 0, 100)).toBe(2000);
    expect(line.ask('patient', 0, 2100)).toBe(2000);
    // The client that came too early has no place yet, so the free one belongs to the patient client.
    expect(line.ask('hasty', 1, 2200)).not.toBeNull();
    expect(line.ask('patient', 1, 4100)).toBeNull();
  });

  it('the waiting line lets a newcomer in after thousands that all come back, each in turn', () => {
    const line = new WaitingLine();
    const due = new Map<string, number>();
    for (let other = 0; other < 3000; other++) due.set(`other ${other}`, 0);
    due.set('honest', 1);
    let now = 0;
    // Twenty places become free each second.
    for (; due.has('honest') && now < 600_000; now += 1000) {
      let free = 20;
      for (const [who, at] of due) {
        if (at > now) continue;
        const wait = line.ask(who, free, now);
        if (wait === null) {
          free -= 1;
          due.delete(who);
        } else due.set(who, now + wait);
      }
    }
    expect(now).toBeLessThan(300_000);
  });

  it('the waiting line remembers a bounded number of clients', () => {
    const line = new WaitingLine();
    for (let stranger = 0; stranger < 50_000; stranger++) line.ask(`s${stranger}`, 0, stranger);
    expect(line['newcomers'].size).toBeLessThanOrEqual(10_000);
    for (let round = 0; round < 2; round++) {
      for (let stranger = 0; stranger < 30_000; stranger++) line.ask(`t${stranger}`, 0, round * 2000);
    }
    expect(line['places'].size).toBeLessThanOrEqual(10_000);
  });
});
