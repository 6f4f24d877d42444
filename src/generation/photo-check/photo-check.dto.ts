import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { PHOTO_REASONS, type PhotoReason } from '../../common/missing-photo.js';
import { MAX_URL_CHARACTERS } from '../../outbound/address-rules.js';
import { PhotoDto } from '../generate-descriptions.dto.js';

/** How many addresses one request may name, whatever a lot may. */
export const MAX_CHECKED_PHOTOS = 100;

// These classes only describe the request and the answer; photo-check-request.ts has the rules.

/** Photos to look at, as the member of a lot has them. */
@ApiExtraModels(PhotoDto)
export class PhotoCheckRequestDto {
  /** 1 to 100 photos: objects with url, or strings. An address that is named twice is asked once and answered twice. */
  @ApiProperty({
    type: 'array',
    minItems: 1,
    maxItems: MAX_CHECKED_PHOTOS,
    items: {
      oneOf: [{ $ref: getSchemaPath(PhotoDto) }, { type: 'string', minLength: 1, maxLength: MAX_URL_CHARACTERS }],
    },
  })
  images: (PhotoDto | string)[];
}

/** Input tokens of the vision model. */
export class PhotoTokensDto {
  /** With detail low; null where the photo is not reachable. */
  @ApiProperty({ type: 'integer', nullable: true, example: 308 })
  low: number | null;
  /** With detail high. */
  @ApiProperty({ type: 'integer', nullable: true, example: 3000 })
  high: number | null;
}

/** USD for these tokens alone, in a synchronous request; half of it in a batch. */
export class PhotoCostDto {
  /** With detail low; null where the photo is not reachable, or the price of the model is not known. */
  @ApiProperty({ type: 'number', format: 'double', nullable: true, example: 0.000616 })
  low: number | null;
  /** With detail high. */
  @ApiProperty({ type: 'number', format: 'double', nullable: true, example: 0.006 })
  high: number | null;
}

/** What was found out about one photo. */
export class CheckedPhotoDto {
  /**
   * The address as it was sent.
   * @example "https://cdn.example.com/11-12345/1.jpg"
   */
  url: string;
  /** Whether the photo is there, in a format that the vision model takes. */
  @ApiProperty({ example: true })
  reachable: boolean;
  /** Why it is not reachable, as in photo_problems; null where it is. */
  @ApiProperty({ type: 'string', enum: PHOTO_REASONS, nullable: true, example: null })
  reason: PhotoReason | null;
  /**
   * The format that the first bytes show, whatever the name says. AVIF and TIFF are not reachable here: a synchronous request
   * turns them into JPEG, a batch leaves them out. null where it is another one or not known.
   */
  @ApiProperty({
    type: 'string',
    enum: ['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'],
    nullable: true,
    example: 'jpeg',
  })
  format: string | null;
  /** Bytes of the file; null where its host does not tell. */
  @ApiProperty({ type: 'integer', nullable: true, example: 412345 })
  bytes: number | null;
  /** Pixels, before any rotation that the file asks for; null where the first 32 KB do not tell. */
  @ApiProperty({ type: 'integer', nullable: true, example: 2048 })
  width: number | null;
  /** Pixels, as for width. */
  @ApiProperty({ type: 'integer', nullable: true, example: 1536 })
  height: number | null;
  /** What the photo takes in a request to the vision model; where its size is not known, the most that a photo can take. */
  tokens: PhotoTokensDto;
  /** What these tokens cost. */
  estimated_cost_usd: PhotoCostDto;
}

export class PhotoCheckAnswerDto {
  /** A photo for each one asked about, in the same order. */
  photos: CheckedPhotoDto[];
}
