import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { HealthService, type Readiness } from './health.service.js';

@ApiTags('operations')
@Controller()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get('health')
  @ApiOperation({ summary: 'Is the process alive?' })
  alive(): { status: string; service: string } {
    return this.health.alive();
  }

  @Get('ready')
  @ApiOperation({ summary: 'Can it work: is the database there, does a worker beat?' })
  ready(): Promise<Readiness> {
    return this.health.ready();
  }
}
