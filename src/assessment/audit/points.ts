import type { NumberStep, Step, Stop, Words } from './automaton.js';

/** A place inside a word or a number: what an automaton is at between two letters. */
export interface Point {
  readonly id: number;
  /** Where each letter leads; the same letter may lead to several places. */
  readonly on: readonly (readonly [letter: string, to: Point])[];
  /** Where reading goes on when the word or the number ends here. */
  readonly ends: readonly Step[];
}

/** The points of an automaton, each made when it is first asked for. */
export class Points {
  private readonly ofWords = new Map<Words, Map<number, Point>>();
  private readonly ofNumbers = new Map<NumberStep, Point>();
  private readonly ofStops = new Map<Stop, Point>();
  private made = 0;

  /** Before the first letter behind a stop. */
  before(stop: Stop): Point {
    return this.kept(this.ofStops, stop, () => {
      const numbers = stop.numbers.flatMap((step) =>
        step.number.characters.map((letter) => [letter, () => this.inNumber(step)] as const),
      );
      return this.point([], () => [...this.beginnings(stop.words), ...numbers]);
    });
  }

  private inWord(words: Words, offset: number): Point {
    const offsets = this.kept(this.ofWords, words, () => new Map<number, Point>());
    return this.kept(offsets, offset, () =>
      offset < words.stretch.length
        ? this.point([], () => [[words.stretch.charAt(offset), () => this.inWord(words, offset + 1)]])
        : this.point(words.steps, () => this.beginnings(words)),
    );
  }

  private inNumber(step: NumberStep): Point {
    return this.kept(this.ofNumbers, step, () =>
      this.point([step], () => step.number.characters.map((letter) => [letter, () => this.inNumber(step)])),
    );
  }

  private beginnings(words: Words): Ways {
    return [...words.next.values()].map((next) => [next.stretch.charAt(0), () => this.inWord(next, 1)]);
  }

  private point(ends: readonly Step[], ways: () => Ways): Point {
    let on: Point['on'] | undefined;
    return {
      id: this.made++,
      ends,
      get on() {
        on ??= ways().map(([letter, to]) => [letter, to()]);
        return on;
      },
    };
  }

  private kept<K, V>(known: Map<K, V>, key: K, make: () => V): V {
    const found = known.get(key);
    if (found !== undefined) return found;
    const value = make();
    known.set(key, value);
    return value;
  }
}

type Ways = readonly (readonly [letter: string, to: () => Point])[];
