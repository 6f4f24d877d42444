import { Controller, HttpCode, HttpStatus, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { SignedBy } from '../../auth/auth.guard.js';
import { ErrorDto } from '../../common/error.dto.js';
import { PhotoCheckAnswerDto, PhotoCheckRequestDto } from './photo-check.dto.js';
import { PhotoCheckResponder } from './photo-check.responder.js';

/** A hundred addresses of the greatest length, with room for how they are written. */
const MAX_BODY_BYTES = 512 * 1024;

@ApiTags('Describing lots')
@Controller('api/v1/photo-check')
export class PhotoCheckController {
  constructor(private readonly responder: PhotoCheckResponder) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  @SignedBy({ legacy: 'none', limit: 'sync', maxBodyBytes: MAX_BODY_BYTES })
  @ApiOperation({
    operationId: 'checkPhotos',
    summary: 'Look at photos before they are sent as a lot: are they there, and what do they cost?',
    description:
      'No model is asked and nothing is stored. The photos are looked at as those of a lot are: by their first 32 KB. It counts as a synchronous request and answers within 25 seconds.',
  })
  @ApiBody({ type: PhotoCheckRequestDto })
  @ApiResponse({ status: HttpStatus.OK, type: PhotoCheckAnswerDto, description: 'The photos, in the order asked.' })
  @ApiResponse({ status: HttpStatus.BAD_REQUEST, type: ErrorDto, description: 'VALIDATION_FAILED, TOO_MANY_IMAGES' })
  @ApiResponse({ status: HttpStatus.UNPROCESSABLE_ENTITY, type: ErrorDto, description: 'INVALID_IMAGE_URLS' })
  check(@Req() request: Request, @Res() response: Response): Promise<void> {
    return this.responder.answer(request, response);
  }
}
