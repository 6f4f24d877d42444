import { Controller, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { GenerationService } from './generation.service.js';

@Controller('api/v1')
export class GenerationController {
  constructor(private readonly generation: GenerationService) {}

  @Post('generate-descriptions')
  generate(@Req() request: Request, @Res() response: Response): Promise<void> {
    return this.generation.generate(request, response);
  }
}
