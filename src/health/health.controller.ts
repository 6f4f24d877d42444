import { Controller, Get, HttpStatus } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ErrorDto } from '../common/error.dto.js';
import { LivenessDto, ReadinessDto } from './health.dto.js';
import { HealthService } from './health.service.js';

@ApiTags('operations')
@Controller()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get('health')
  @ApiOperation({
    operationId: 'getHealth',
    summary: 'Is the process alive?',
    description: 'Looks at nothing else: a database that is away is no reason to restart the process.',
  })
  @ApiResponse({ status: HttpStatus.OK, type: LivenessDto, description: 'It lives.' })
  alive(): LivenessDto {
    return this.health.alive();
  }

  @Get('ready')
  @ApiOperation({
    operationId: 'getReadiness',
    summary: 'Can it work: is the database there, does a worker beat?',
    description: 'Without a worker it is ready all the same: jobs are taken in and queue.',
  })
  @ApiResponse({ status: HttpStatus.OK, type: ReadinessDto, description: 'It can work.' })
  @ApiResponse({
    status: HttpStatus.SERVICE_UNAVAILABLE,
    type: ErrorDto,
    description: 'SERVICE_UNAVAILABLE: the database is away, or the process drains.',
  })
  ready(): Promise<ReadinessDto> {
    return this.health.ready();
  }
}
