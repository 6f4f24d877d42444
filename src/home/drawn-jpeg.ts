import type { SamplePhoto } from './sample-cars.js';

/** A drawn photo as JPEG. Its description (EXIF) says what is drawn, so that the sandbox finds that and nothing else. */
export async function drawnJpeg({ svg, shows }: SamplePhoto): Promise<Buffer> {
  // Loaded with the first photo that is requested: it takes 20 MB, and the process must also start where it is not
  // installed.
  const { default: sharp } = await import('sharp');
  return sharp(Buffer.from(svg))
    .jpeg({ quality: 88 })
    .withExif({ IFD0: { ImageDescription: `sandbox-drawing:${JSON.stringify(shows)}` } })
    .toBuffer();
}
