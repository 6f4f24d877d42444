import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { NameResolver } from '../../src/outbound/name-resolver.js';

/** Answers from a script instead of DNS; the last answer of a name is repeated. */
export class StubResolver extends NameResolver {
  readonly asked: string[] = [];
  private readonly script = new Map<string, (readonly LookupAddress[] | Promise<readonly LookupAddress[]>)[]>();

  /** Each argument is the whole answer to one question, in turn. */
  answer(name: string, ...answers: (readonly string[] | Promise<readonly string[]>)[]): this {
    this.script.set(
      name,
      answers.map((given) => (given instanceof Promise ? given.then(toAddresses) : toAddresses(given))),
    );
    return this;
  }

  override async resolve(name: string): Promise<readonly LookupAddress[]> {
    this.asked.push(name);
    const answers = this.script.get(name) ?? [];
    const found = answers.length > 1 ? answers.shift() : answers[0];
    if (found === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    return found;
  }

  override resolveBySystem(name: string): Promise<readonly LookupAddress[]> {
    return this.resolve(name);
  }
}

function toAddresses(ips: readonly string[]): LookupAddress[] {
  return ips.map((address) => ({ address, family: isIP(address) }));
}
