import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Glossaries } from '../../src/assessment/text/glossaries.js';
import { exampleLot, EXAMPLE_LANGUAGES } from '../../src/home/example-lot.js';
import { photosOf, SAMPLE_CARS } from '../../src/home/sample-cars.js';
import { packagePath } from '../docs/package-path.js';

const files = readdirSync(packagePath('glossaries')).filter((name) => name.endsWith('.json'));
const glossaries = Glossaries.read(
  new Map(files.map((name) => [name.slice(0, -5), readFileSync(packagePath(`glossaries/${name}`), 'utf8')])),
);
const lotOf = (car: (typeof SAMPLE_CARS)[number]) => exampleLot(car, (view) => `/${view}.svg`, glossaries);

describe('the lot of the home page', () => {
  it.each(SAMPLE_CARS)('the findings of the $name sample car are what is drawn in the photos that they cite', (car) => {
    const { assessment } = lotOf(car);
    expect(assessment.rejected).toEqual([]);
    expect(assessment.review_reasons).toEqual([]);
    const drawn = car.damages.map(
      ({ row, marks }) => `${row.part} ${row.type} ${Object.keys(marks).toSorted().join()}`,
    );
    const found = assessment.findings.map(
      ({ part, type, photos }) =>
        `${part} ${type} ${photos
          .map(({ url }) => url.slice(1, -4))
          .toSorted()
          .join()}`,
    );
    expect(found.toSorted()).toEqual(drawn.toSorted());
  });

  it('the texts of the home page’s lot are in three languages, one from right to left, and name photos', () => {
    const lot = lotOf(SAMPLE_CARS[0] as (typeof SAMPLE_CARS)[number]);
    expect(lot.descriptions.map(({ language }) => language)).toEqual([...EXAMPLE_LANGUAGES]);
    expect(lot.descriptions.map(({ language }) => glossaries.for(language)?.glossary.direction)).toContain('rtl');
    for (const { damages } of lot.descriptions) expect(damages.match(/<li>/g)?.length).toBeGreaterThanOrEqual(4);
  });

  it('each photo of a sample car says that it is drawn', () => {
    for (const { svg } of SAMPLE_CARS.flatMap(photosOf)) expect(svg).toContain('drawn sample, not a photo');
  });
});
