import type { NestExpressApplication } from '@nestjs/platform-express';
import { setUpApp } from './app.setup.js';
import { UnprovenWork } from './auth/admission/unproven-work.js';
import { UploadDoor } from './auth/admission/upload-door.js';
import { UploadGate } from './auth/upload-gate.js';
import { SERVES_API } from './common/http-error.filter.js';
import type { AppConfig } from './config/app-config.js';
import { setUpDocs } from './docs/docs.setup.js';
import { setUpGuides } from './guides/guides.setup.js';
import { setUpHome } from './home/home.setup.js';
import { AllowList } from './outbound/address-rules.js';

/** The HTTP set-up of a process with the API: the door for bodies, the documents and the home page. */
export function setUpApi(app: NestExpressApplication, config: AppConfig): void {
  const connections = setUpApp(app, config);
  const gate = app.get(UploadGate);
  const door = new UploadDoor(gate, config.http.trustProxy === false);
  connections.refuseBy((head, address) => door.refuseUnparsed(head, address));
  gate.watchStrain(() => connections.isStrained);
  app.get(UnprovenWork).watchCrowd(() => connections.turns.isCrowded);
  app.enable(SERVES_API);
  app.use(door.admit);
  const sandboxed = config.openai.upstream === 'sandbox';
  const samplePhotos = isSandboxedOnLoopback(config);
  // Before /docs, which would answer with its own policy.
  setUpGuides(app, config.packageRoot);
  setUpDocs(app, { samplePhotos });
  setUpHome(app, config, { sandboxed, samplePhotos });
}

/** Whether the sandbox stands in for OpenAI and may fetch photos from this machine, as in the demo. */
function isSandboxedOnLoopback({ openai, outbound }: AppConfig): boolean {
  return openai.upstream === 'sandbox' && AllowList.parse(outbound.allow).hasAddress('127.0.0.1');
}
