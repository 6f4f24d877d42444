import type { PhotoReason } from '../../common/missing-photo.js';
import type { ModelSettings } from '../../describe/model-settings.js';
import type { PhotoCheck } from '../../images/photo-check.js';
import type { CheckedPhotoDto } from './photo-check.dto.js';

type Prices = Pick<ModelSettings, 'photoAt'>;
type Told = Pick<CheckedPhotoDto, 'format' | 'bytes' | 'width' | 'height'>;

const NOTHING: Told = { format: null, bytes: null, width: null, height: null };

/** What a client reads of a photo that was checked. */
export function checkedPhoto(url: string, check: PhotoCheck, prices: Prices): CheckedPhotoDto {
  if (!check.reachable) return unreachablePhoto(url, check.reason, toldOfMissing(check));
  const { file, size = null } = check;
  // What hosts in OUTBOUND_ALLOW answer is not shown, and its size would show in the tokens.
  const shown = file.viaAllowList ? null : size;
  const [low, high] = [prices.photoAt('low', shown), prices.photoAt('high', shown)];
  return {
    url,
    reachable: true,
    reason: null,
    ...(file.viaAllowList
      ? NOTHING
      : { format: file.format, bytes: file.bytes, width: size?.width ?? null, height: size?.height ?? null }),
    tokens: { low: low.tokens, high: high.tokens },
    estimated_cost_usd: { low: rounded(low.costUsd), high: rounded(high.costUsd) },
  };
}

export function unreachablePhoto(url: string, reason: PhotoReason, told: Told = NOTHING): CheckedPhotoDto {
  const none = { low: null, high: null };
  return { url, reachable: false, reason, ...told, tokens: none, estimated_cost_usd: none };
}

/** What helps to mend it: the format of a photo that no model takes, and how large one is that is too large. */
function toldOfMissing({ file, reason }: Extract<PhotoCheck, { reachable: false }>): Told {
  if (file === undefined || file.viaAllowList || (reason !== 'not_a_photo' && reason !== 'too_large')) return NOTHING;
  const isPhoto = reason === 'too_large' || file.format !== null;
  return { ...NOTHING, format: file.format, bytes: isPhoto ? file.bytes : null };
}

/** Without the noise of binary fractions. */
function rounded(usd: number | null): number | null {
  return usd === null ? null : Number(usd.toFixed(8));
}
