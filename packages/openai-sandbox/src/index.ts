export { CAR_SIMULATION } from './cars/car-simulation.js';
export type { JsonObject } from './json.js';
export { loopbackFetcher } from './responses/loopback-fetcher.js';
export type { PhotoDownload, PhotoFetcher } from './responses/photo-source.js';
export { runSandbox } from './run-sandbox.js';
export { startSandboxServer, type SandboxParts, type SandboxServer } from './sandbox-server.js';
export { loadSandboxSettings, SettingsError, type SandboxSettings } from './settings.js';
export type { Question, SeenPhoto, Simulation } from './simulation.js';
