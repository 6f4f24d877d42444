import type { OpenAPIObject } from '@nestjs/swagger';

/** The address of the photos in the examples; this host does not exist. */
const EXAMPLE_PHOTO = /^https:\/\/cdn\.example\.com\/.*\.jpg$/;

/** Two photos of a sample car of the home page, which serves them (`home/sample-cars.ts`). */
const SAMPLES = ['/home-assets/cars/blue/left.jpg', '/home-assets/cars/blue/right.jpg'] as const;

/** The document with photos that this service has drawn in place of the examples', so that they need no other host. */
export function withSamplePhotos(document: OpenAPIObject, origin: string): OpenAPIObject {
  let count = 0;
  const replaced = (value: unknown): unknown => {
    if (typeof value === 'string') {
      return EXAMPLE_PHOTO.test(value) ? `${origin}${SAMPLES[count++ % SAMPLES.length]}` : value;
    }
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, replaced(member)]));
  };
  return { ...document, paths: replaced(document.paths) as OpenAPIObject['paths'] };
}
