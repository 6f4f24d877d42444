import { Controller, Post, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { nameWholeQuery } from '../common/ignored-parameters.js';
import { ApiGenerateDescriptions } from './api-generate-descriptions.js';
import { GenerationService } from './generation.service.js';

@ApiTags('Describing lots')
@Controller('api/v1')
export class GenerationController {
  constructor(private readonly generation: GenerationService) {}

  @Post('generate-descriptions')
  @ApiGenerateDescriptions()
  generate(@Req() request: Request, @Res() response: Response): Promise<void> {
    nameWholeQuery(request, response);
    return this.generation.generate(request, response);
  }
}
