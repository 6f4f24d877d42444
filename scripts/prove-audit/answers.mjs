// Answers of a model as nobody would wish for them: every member by the closed lists, everything else by chance. The same seed
// makes the same answers.

/**
 * @param lists - the modules of the closed lists: taxonomy, damage-details, lot-flags, vehicle
 * @param seed - any whole number
 */
export function answersBy({ taxonomy, details, flags, vehicle }, seed) {
  const chance = chanceFrom(seed);
  const oneOf = (list) => list[Math.floor(chance() * list.length)];
  const keysOf = (list) => Object.keys(list);
  const upTo = (most) => Math.floor(chance() * (most + 1));
  const some = (list, share) => list.filter(() => chance() < share);

  const parts = keysOf(taxonomy.PARTS);
  const partsIn = (areas) =>
    parts.filter((part) => areas.includes(taxonomy.PARTS[part].area) || taxonomy.PARTS[part].area?.startsWith('by_'));

  /** Mostly photos that were sent; now and then none, one that was not, or numbers from zero. */
  function photosOf(count) {
    const kind = chance();
    if (kind < 0.04) return [];
    if (kind < 0.06) return [count + 1 + upTo(5)];
    if (kind < 0.07) return [0, 1];
    return Array.from({ length: 1 + upTo(2) }, () => 1 + upTo(count - 1));
  }

  function photoRow(number, quality) {
    const view = oneOf(keysOf(taxonomy.VIEWS));
    const visible = some(partsIn(taxonomy.VIEWS[view].areas), 0.3);
    const issues = some(keysOf(flags.PHOTO_ISSUES), quality);
    return { number, view, looking: oneOf(taxonomy.LOOKINGS ?? ['unknown']), visible_parts: visible, issues };
  }

  function findingRow(count) {
    return {
      photos: photosOf(count),
      viewpoint: oneOf(keysOf(taxonomy.VIEWS)),
      in_picture: oneOf(taxonomy.PICTURE_POSITIONS),
      nearness: oneOf(taxonomy.NEARNESSES ?? ['n/a']),
      part: oneOf(parts),
      side: oneOf(taxonomy.SIDES),
      end: oneOf(taxonomy.ENDS),
      type: oneOf(keysOf(taxonomy.DAMAGE_TYPES)),
      zone: oneOf(keysOf(details.ZONES)),
      extent: oneOf(keysOf(details.EXTENTS)),
      count: oneOf(keysOf(details.COUNTS)),
      through: oneOf(keysOf(details.THROUGH)),
      severity: oneOf(keysOf(taxonomy.SEVERITIES)),
      confidence: oneOf(taxonomy.CONFIDENCES),
      note: null,
      description: '',
    };
  }

  /** None on every fourth lot, a few as a rule, sixty of two kinds on a hail car. */
  function findingRows(count) {
    const kind = chance();
    if (kind < 0.25) return [];
    if (kind < 0.95) return Array.from({ length: 1 + upTo(6) }, () => findingRow(count));
    const like = [findingRow(count), findingRow(count)];
    return Array.from({ length: 20 + upTo(40) }, () => {
      const { type, severity, zone, extent, through, confidence } = oneOf(like);
      return { ...findingRow(count), type, severity, zone, extent, through, confidence };
    });
  }

  function odometer(count) {
    const value = oneOf([
      '84,512 km',
      '98 765',
      '123456.7 km',
      '7 mi',
      '0',
      '12.345 km',
      '999999 miles',
      'N/A',
      '84 512km',
    ]);
    return { kind: 'odometer', value, photo: 1 + upTo(count - 1) };
  }

  return function answer() {
    const count = 1 + upTo(chance() < 0.2 ? 39 : 11);
    const quality = oneOf([0, 0.02, 0.1, 0.5]);
    const described = chance() < 0.05 ? 0 : count;
    const first = chance() < 0.02 ? 0 : 1;
    const raised = oneOf([0, 0, 0.1, 0.4]);
    const flagRow = () => ({ value: chance() < raised ? 'yes' : oneOf(['no', 'unknown']), photos: photosOf(count) });
    return {
      photoCount: count,
      rows: {
        vehicle: {
          kind: oneOf(vehicle.VEHICLE_KINDS),
          count: 1 + upTo(1),
          body: oneOf(vehicle.BODIES),
          colour: oneOf(vehicle.COLOURS),
          doors: oneOf(vehicle.DOOR_COUNTS),
          photos: photosOf(count),
        },
        photos: Array.from({ length: described }, (_, index) => photoRow(first + index, quality)),
        interior: { state: oneOf(vehicle.INTERIOR_STATES), photos: photosOf(count) },
        tyres: { state: oneOf(vehicle.TYRE_STATES), photos: photosOf(count) },
        listing_mismatch: some(vehicle.LISTING_MEMBERS, 0.05),
        ignored: [],
        findings: findingRows(count),
        flags: Object.fromEntries(keysOf(flags.LOT_FLAGS).map((flag) => [flag, flagRow()])),
        not_visible: some(keysOf(taxonomy.AREAS), 0.2),
        readings: chance() < 0.5 ? [odometer(count)] : [],
        remarks: [],
      },
    };
  };
}

/** Numbers from 0 to 1 that look like chance and are the same for the same seed. */
export function chanceFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
