// The lots of the demo: cars that the service draws for its home page, at the addresses where it serves them.
import { CATALOGUE, rowsOfCar, SAMPLE_CARS } from '../../dist/home/sample-cars.js';

export const SAMPLE = SAMPLE_CARS[0];
export { CATALOGUE };

/** A car as a lot of a request. */
export function lotOf({ name, listing, views }, origin) {
  return {
    lot_id: name,
    additional_info: listing,
    images: views.map((view) => `${origin}/home-assets/cars/${name}/${view}.jpg`),
  };
}

/** What was drawn and not found, and what was found and not drawn; empty as it should be. */
export function differences(car, { lot_id: id, assessment }) {
  const drawn = new Set(rowsOfCar(car).findings.map((row) => inWords(row, row.photos)));
  const photosOf = ({ photos }) => photos.map(({ number }) => number);
  const found = new Set(assessment.findings.map((finding) => inWords(finding, photosOf(finding))));
  return [
    ...[...drawn].filter((row) => !found.has(row)).map((row) => `${id}: drawn and not found: ${row}`),
    ...[...found].filter((row) => !drawn.has(row)).map((row) => `${id}: found and not drawn: ${row}`),
  ];
}

function inWords({ part, side, end, type, severity }, photos) {
  return `${[part, side, end, type, severity].join(' ')}, photos ${photos.toSorted((a, b) => a - b).join(' ')}`;
}
