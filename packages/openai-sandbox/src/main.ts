#!/usr/bin/env node
import { runSandbox } from './run-sandbox.js';

await runSandbox();
