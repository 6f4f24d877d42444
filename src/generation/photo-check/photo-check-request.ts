import { isObject } from '../../common/json-tokens.js';
import { ServiceError } from '../../common/service-error.js';
import type { AllowList } from '../../outbound/address-rules.js';
import { AddressVerdicts } from '../request/address-verdicts.js';
import { FieldProblems } from '../request/field-problems.js';
import { checkImages } from '../request/lot-rules.js';
import { RefusedAddresses } from '../request/refused-addresses.js';
import { MAX_CHECKED_PHOTOS } from './photo-check.dto.js';

/**
 * The addresses that a body of photo-check names, by the rules for the photos of a lot.
 * @param body - as parsed; undefined when there was none
 * @returns them as sent, repeated ones too
 * @throws ServiceError VALIDATION_FAILED, TOO_MANY_IMAGES, INVALID_IMAGE_URLS
 */
export function photosToCheck(body: unknown, allow: AllowList): string[] {
  const problems = new FieldProblems();
  const refused = new RefusedAddresses(allow);
  const report = { problems, invalidImage: (url: string) => refused.add(url) };
  const sent = isObject(body) ? body['images'] : undefined;
  const urls = checkImages(sent, 'images', new AddressVerdicts(allow), report) ?? [];
  if (Array.isArray(sent) && sent.length === 0) problems.add('images', 'must name at least one photo');
  problems.throwIfAny();
  if (urls.length > MAX_CHECKED_PHOTOS) {
    throw new ServiceError('TOO_MANY_IMAGES', `Ask about at most ${MAX_CHECKED_PHOTOS} photos in one request.`, {
      details: { provided_images: urls.length, max_allowed: MAX_CHECKED_PHOTOS },
    });
  }
  refused.throwOfPhotos();
  return urls;
}
