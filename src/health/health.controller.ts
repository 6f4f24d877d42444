import { Controller, Get, HttpStatus } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ErrorDto } from '../common/error.dto.js';
import { LivenessDto, ReadinessDto } from './health.dto.js';
import { HealthService } from './health.service.js';

@ApiTags('Operations')
@Controller()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get('health')
  @ApiOperation({
    operationId: 'getHealth',
    summary: 'Is the process alive?',
    description: 'It checks nothing else: a database that is away is no reason to restart the process.',
  })
  @ApiResponse({ status: HttpStatus.OK, type: LivenessDto, description: 'The process is alive.' })
  alive(): LivenessDto {
    return this.health.alive();
  }

  @Get('ready')
  @ApiOperation({
    operationId: 'getReadiness',
    summary: 'Can the process work: is the database there, and is there a worker?',
    description: 'It is ready without a worker too: jobs are accepted and wait.',
  })
  @ApiResponse({ status: HttpStatus.OK, type: ReadinessDto, description: 'The process can work.' })
  @ApiResponse({
    status: HttpStatus.SERVICE_UNAVAILABLE,
    type: ErrorDto,
    description: 'SERVICE_UNAVAILABLE: the database cannot be reached, or the process is shutting down.',
  })
  ready(): Promise<ReadinessDto> {
    return this.health.ready();
  }
}
