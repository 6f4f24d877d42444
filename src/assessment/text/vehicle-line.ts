import { withPhotos } from './damage-text.js';
import { fill } from './fill.js';
import type { Glossary } from './glossary.js';
import type { ReadingStatement, Statement, VehicleStatement } from './statement.js';

/** The line that leads a text: `silver estate, five doors; 84,512 km; interior: marked wear (photo 5)`. Empty where nothing is known. */
export function vehicleLine(statements: readonly Statement[], glossary: Glossary): string {
  const { vehicle } = glossary;
  const segments = statements.flatMap((statement): string[] => {
    switch (statement.kind) {
      case 'vehicle':
        return [vehicleText(statement, vehicle)].filter((text) => text !== '');
      case 'odometer':
        return [odometerText(statement, glossary)];
      case 'interior':
        return [withPhotos(vehicle.interior[statement.state], statement.photos, glossary)];
      case 'tyres':
        return [withPhotos(vehicle.tyres[statement.state], statement.photos, glossary)];
      default:
        return [];
    }
  });
  return segments.join(vehicle.between);
}

function vehicleText(statement: VehicleStatement, words: Glossary['vehicle']): string {
  const kind = statement.vehicle === null ? null : words.kinds[statement.vehicle];
  const values = {
    body: statement.body === null ? kind : words.bodies[statement.body],
    colour: statement.colour === null ? null : words.colours[statement.colour],
    doors: statement.doors === null ? null : words.doors[statement.doors],
  };
  const known = (['body', 'colour', 'doors'] as const).filter((name) => values[name] !== null);
  if (known.length === 0) return '';
  const pattern = words.line[known.join('_') as keyof typeof words.line];
  return fill(pattern, { body: values.body ?? '', colour: values.colour ?? '', doors: values.doors ?? '' });
}

function odometerText({ value, unit }: ReadingStatement, { locale, vehicle }: Glossary): string {
  const written = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value);
  return fill(vehicle[unit ?? 'odometer'], { value: written });
}
