import type { ModelSettings } from '../../describe/model-settings.js';
import type { PhotoSize } from '../../images/photo-size.js';
import type { CountedPhotos } from '../../jobs/photo-averages-store.js';

/** Of the photos whose HEAD leaves no doubt, the first bytes of every twentieth are read as well. */
const EVERY = 20;

/** Which photos of a range are looked at, and what they and the others take as input tokens. */
export class PhotoSample {
  private asked = 0;
  private counted: CountedPhotos = { photos: 0, tokens: 0 };
  private told = this.counted;

  /**
   * @param looks - `all` for a job with a limit, where a photo that shows no size counts as the largest: its bill is
   * bounded by these tokens, which no average can promise. `none` where a busy host is asked again
   * @param otherwise - tokens of a photo while none of the range was seen
   */
  constructor(
    private readonly settings: Pick<ModelSettings, 'photoTokens'>,
    private readonly looks: 'all' | 'some' | 'none',
    private readonly otherwise: number,
  ) {}

  readonly look = (): boolean => {
    if (this.looks !== 'some') return this.looks === 'all';
    return this.asked++ % EVERY === 0;
  };

  /** Counts photos of one lot whose sizes are known. */
  count(sizes: Iterable<PhotoSize>): CountedPhotos {
    let photos = 0;
    let tokens = 0;
    for (const size of sizes) {
      photos += 1;
      tokens += this.settings.photoTokens(size);
    }
    this.counted = { photos: this.counted.photos + photos, tokens: this.counted.tokens + tokens };
    return { photos, tokens };
  }

  /** Input tokens of a lot's photos. @param known - those whose sizes are known */
  tokensOf(photos: number, known: CountedPhotos): number {
    return Math.ceil(known.tokens + Math.max(0, photos - known.photos) * this.other());
  }

  /** The photos that were counted since this was last asked. */
  news(): CountedPhotos {
    const { photos, tokens } = this.told;
    this.told = this.counted;
    return { photos: this.counted.photos - photos, tokens: this.counted.tokens - tokens };
  }

  private other(): number {
    if (this.looks === 'all') return this.settings.photoTokens(null);
    return this.counted.photos === 0 ? this.otherwise : this.counted.tokens / this.counted.photos;
  }
}
