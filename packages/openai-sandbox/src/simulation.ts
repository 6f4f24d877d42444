import type { JsonObject } from './json.js';
import type { PixelSize } from './responses/token-estimate.js';

/** A photo of a request with what the simulation knows of it. */
export interface SeenPhoto<Look> {
  /** As the text right before it announces it ("Photo 3 of 12"), else its position from 1. */
  readonly number: number;
  readonly look: Look;
}

/** A request that asks for an answer of a JSON schema. */
export interface Question<Look> {
  readonly schema: JsonObject;
  readonly photos: readonly SeenPhoto<Look>[];
  /** The texts of user messages. */
  readonly userTexts: readonly string[];
  /** What the simulation is asked to play whatever the photos show; it knows which there are. */
  readonly scene?: string | undefined;
}

/**
 * What plays the model's part: the endpoints, the checks, the faults and the bill know nothing of its subject.
 * The cars of this package are one; another subject is another object of this shape.
 */
export interface Simulation<Look extends PixelSize = PixelSize> {
  /**
   * Looks at a photo's bytes.
   * @throws Error when they are no picture that OpenAI takes
   */
  look(bytes: Uint8Array): Promise<Look>;
  /** A look that the address alone decides, for proofs of load that fetch no photo (SANDBOX_PHOTOS=url). */
  lookByAddress(url: string): Look;
  /**
   * The value that the schema asks for; the same question gets the same value.
   * @throws Error for a scene that it does not know: a test with a mistyped one would pass for nothing
   */
  answer(question: Question<Look>): unknown;
}
