import { describe, expect, it } from 'vitest';
import { FieldProblems } from '../../src/generation/request/field-problems.js';
import { checkHead } from '../../src/generation/request/head-rules.js';
import { checkLot } from '../../src/generation/request/lot-rules.js';
import { AddressVerdicts } from '../../src/generation/request/address-verdicts.js';
import {
  HEAD_MEMBERS,
  LOT_MEMBERS,
  PHOTO_MEMBERS,
  UnknownMembers,
} from '../../src/generation/request/unknown-members.js';
import { AllowList } from '../../src/outbound/address-rules.js';

const ofHead = (members: Record<string, unknown>) => {
  const unknown = new UnknownMembers();
  unknown.head(members);
  return unknown.warnings;
};
const ofLot = (members: Record<string, unknown>, position = 3) => {
  const unknown = new UnknownMembers();
  unknown.lot(members, position);
  return unknown.warnings;
};
const ofPhoto = (members: Record<string, unknown>) => {
  const unknown = new UnknownMembers();
  unknown.photo(members, 3, 2);
  return unknown.warnings;
};

describe('members that nobody knows', () => {
  it.each([
    ['max_cost', 'max_cost_usd'],
    ['maxCostUsd', 'max_cost_usd'],
    ['MAX_COST_USD', 'max_cost_usd'],
    ['max-cost-usd', 'max_cost_usd'],
    ['max_cost_eur', 'max_cost_usd'],
    ['maxcost', 'max_cost_usd'],
    ['budget', 'max_cost_usd'],
    ['webhookUrl', 'webhook_url'],
    ['webhook', 'webhook_url'],
    ['callback_url', 'webhook_url'],
    ['webhookEvents', 'webhook_events'],
    ['lang', 'languages'],
    ['langauges', 'languages'],
    ['language', 'languages'],
    ['meta', 'metadata'],
    ['metaData', 'metadata'],
    ['includes', 'include'],
    ['Mode', 'mode'],
    ['processing_mode', 'mode'],
    ['lot', 'lots'],
    ['signatures', 'signature'],
  ])('a member that nobody knows beside the lots is guessed at: %s is taken for %s', (name, meant) => {
    expect(ofHead({ [name]: 1 })).toEqual([`unknown_member:${name} (did you mean ${meant}?)`]);
  });

  it.each([
    ['webhook_url', 'webhook'],
    ['webhookUrl', 'webhook'],
    ['callback', 'webhook'],
    ['lotId', 'lot_id'],
    ['lot_ID', 'lot_id'],
    ['id', 'lot_id'],
    ['image', 'images'],
    ['imageUrls', 'images'],
    ['photos', 'images'],
    ['additionalInfo', 'additional_info'],
    ['info', 'additional_info'],
    ['description', 'additional_info'],
  ])('a member that nobody knows in a lot is guessed at: %s is taken for %s', (name, meant) => {
    expect(ofLot({ [name]: 1 })).toEqual([`unknown_member:lots[3].${name} (did you mean ${meant}?)`]);
  });

  it.each(['URL', 'uri', 'src', 'href', 'image_url'])(
    'a member that nobody knows in a photo is guessed at: %s is taken for url',
    (name) => {
      expect(ofPhoto({ [name]: 1 })).toEqual([`unknown_member:lots[3].images[2].${name} (did you mean url?)`]);
    },
  );

  it('members that nobody knows are named without a guess where nothing is near', () => {
    expect(ofHead({ priority: 1, $schema: 'x', '': 1, цена: 1 })).toEqual(
      ['priority', '$schema', '', 'цена'].map((name) => `unknown_member:${name}`),
    );
    expect(ofPhoto({ url: 'x', width: 640, id: 7 })).toEqual([
      'unknown_member:lots[3].images[2].width',
      'unknown_member:lots[3].images[2].id',
    ]);
  });

  it('members that nobody knows are not taken for a member that is there, unless they are it misspelt', () => {
    expect(ofLot({ lot_id: 'a', images: [], vehicle_id: 'b', lotId: 'c' })).toEqual([
      'unknown_member:lots[3].vehicle_id',
      'unknown_member:lots[3].lotId (did you mean lot_id?)',
    ]);
  });

  it('members that nobody knows are cut at 64 characters and lose what could break a line, a log or the database', () => {
    for (const character of ['x', '🚗']) {
      expect(ofHead({ [character.repeat(100)]: 1 })).toEqual([`unknown_member:${character.repeat(64)}`]);
    }
    expect(ofHead({ 'a\n\0\u001b[31m\u2028\u202e\ud800\u0085b': 1 })).toEqual([
      'unknown_member:a\ufffd\ufffd\ufffd[31m\ufffd\ufffd\ufffd\ufffdb',
    ]);
    expect(ofHead(JSON.parse('{"__proto__": 1, "constructor": 2}') as Record<string, unknown>)).toEqual([
      'unknown_member:__proto__',
      'unknown_member:constructor',
    ]);
  });

  it('members that nobody knows are the first 20 of all, those beside the lots before those in them', () => {
    const unknown = new UnknownMembers();
    for (let position = 0; position < 50; position++) unknown.lot({ webhook_url: '' }, position);
    unknown.photo({ uri: '' }, 0, 0);
    unknown.head({ max_cost: 1, maxCostUsd: 2 });
    expect(unknown.warnings).toHaveLength(20);
    expect(unknown.warnings.slice(0, 3)).toEqual([
      'unknown_member:max_cost (did you mean max_cost_usd?)',
      'unknown_member:maxCostUsd (did you mean max_cost_usd?)',
      'unknown_member:lots[0].webhook_url (did you mean webhook?)',
    ]);
    expect(ofHead(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x${index}`, 1])))).toHaveLength(20);
  });
});

describe('a request of nothing but unknown members', () => {
  it('a request of nothing but unknown members costs no more than the first 20 do, since it is read before its signature is proven', () => {
    let looks = 0;
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`zzzz${index}`, 1]));
    // Only the search for what was meant asks whether a known member is there.
    const members = new Proxy(many, {
      getOwnPropertyDescriptor: (target, name) => {
        if ((HEAD_MEMBERS as readonly (string | symbol)[]).includes(name)) looks += 1;
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
    });
    expect(ofHead(members)).toHaveLength(20);
    expect(looks).toBe(20 * HEAD_MEMBERS.length);
  });
});

describe('the members that are known', () => {
  it('the members that are known are those that the rules read', () => {
    const read = new Set<string>();
    const spy = (of: Record<string, unknown>, place: string) =>
      new Proxy(of, {
        get: (target, name) => {
          read.add(`${place}${String(name)}`);
          return Reflect.get(target, name) as unknown;
        },
      });
    const urls = new AddressVerdicts(AllowList.parse([]));
    const report = {
      problems: new FieldProblems(),
      unknown: new UnknownMembers(),
      invalidImage: () => undefined,
      invalidWebhook: () => undefined,
    };
    const lot = { lot_id: 'a', images: [spy({ url: 'https://cdn.example.com/1.jpg' }, 'photo.')] };
    checkLot(spy(lot, 'lot.'), () => '', 0, urls, report);
    checkHead(spy({ version: '1.0.0', languages: ['en'] }, ''), urls, report);
    // The lots are streamed past the head, and the signature is judged before it.
    const apart = ['lots', 'signature'];
    expect([...read].sort()).toEqual(
      [
        ...HEAD_MEMBERS.filter((name) => !apart.includes(name)),
        ...LOT_MEMBERS.map((name) => `lot.${name}`),
        ...PHOTO_MEMBERS.map((name) => `photo.${name}`),
      ].sort(),
    );
    expect(report.unknown.warnings).toEqual([]);
  });
});
