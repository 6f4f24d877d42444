import { describe, expect, it } from 'vitest';
import { SettingReader } from '../../src/config/setting-reader.js';

function read<T>(value: string, reading: (reader: SettingReader) => T) {
  const reader = new SettingReader({ NAME: value });
  return { value: reading(reader), problems: reader.problems };
}

describe('numbers', () => {
  it.each(['0', '10'])('a number takes %s, the ends of the range included', (value) => {
    expect(read(value, (reader) => reader.number('NAME', 5, { max: 10 }))).toEqual({
      value: Number(value),
      problems: [],
    });
  });

  it.each(['11', '-1', '1.5', '1e1', '0x1', ' 1', '1s', 'NaN', 'Infinity', '١'])(
    'a whole number is not read from %j',
    (value) => {
      const { value: used, problems } = read(value, (reader) => reader.number('NAME', 5, { max: 10 }));
      expect(used).toBe(5);
      expect(problems).toEqual(['NAME must be a whole number from 0 to 10']);
    },
  );

  it('a number of seconds may be a fraction', () => {
    expect(read('0.25', (reader) => reader.seconds('NAME', 1)).value).toBe(0.25);
  });
});

describe('flags and choices', () => {
  it.each([
    ['true', true],
    ['TRUE', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('a flag or choice reads %s', (value, expected) => {
    expect(read(value, (reader) => reader.flag('NAME', !expected)).value).toBe(expected);
  });

  it('a flag or choice refuses anything else, and says what may stand there', () => {
    expect(read('yes', (reader) => reader.flag('NAME', false)).problems).toEqual(['NAME must be true or false']);
    expect(read('c', (reader) => reader.oneOf('NAME', ['a', 'b'], 'a')).problems).toEqual(['NAME must be one of a, b']);
  });
});

it('a list is split at commas and white space', () => {
  expect(read(' a, b\nc,,', (reader) => reader.list('NAME')).value).toEqual(['a', 'b', 'c']);
});
