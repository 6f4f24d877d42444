// What the proof runs on: databases of its own on the given coordinator, the built service against them, and what its
// statements came to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setStage, ready } from '../prove/stage.mjs';
import { SERVICE } from '../start-command.mjs';
import { CitusCluster } from './cluster.mjs';
import { Relay } from './relay.mjs';

/** What every service of the proof is set to, so that what a kill costs is soon taken up again. */
const SETTINGS = {
  LEASE_SECONDS: '4',
  BATCH_POLL_INTERVAL: '0.3',
  SUBMIT_GRACE: '2',
  MAX_ACTIVE_JOBS: '1000',
  RATE_LIMIT_SYNC: '100000',
  WEBHOOK_SCHEDULE: '0,1,1,2,2,3,3,5,5,5,10,10,10,10',
  WEBHOOK_PART_LOTS: '50',
};
/** An error that is about the statement, not about the moment: what a statement that fits both engines never causes. */
const ABOUT_THE_STATEMENT = /^(?:0A|42|XX)/;
/** XX000 of a data node that broke off. */
const BROKEN_OFF = /could not commit transaction for shard|marked as essential/;

export class Ground {
  databases = [];
  statements = new Set();
  refused = new Map();

  static async on(url, name) {
    const ground = new Ground();
    ground.name = name;
    ground.cluster = await CitusCluster.at(url);
    ground.relays = [];
    for (const { host, port } of ground.cluster.nodes) ground.relays.push(await Relay.to(host, port));
    return ground;
  }

  /** A database whose coordinator reaches its data nodes through the relays, or directly. */
  async database(suffix, { relayed = false } = {}) {
    const name = `${this.name}_${suffix}`;
    this.databases.push(name);
    return this.cluster.create(
      name,
      undefined,
      relayed ? this.relays.map(({ address }) => address) : this.cluster.nodes,
    );
  }

  /** Runs ROLE=migrate as an operator does. @returns its exit code and the words of its log, or the child itself */
  migrate(url, settings = {}) {
    const child = spawn(process.execPath, SERVICE, {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ROLE: 'migrate', DATABASE_URL: url, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
    const ended = once(child, 'exit').then(([code]) => ({ code, said }));
    return Object.assign(ended, { child });
  }

  /** Everything but the database and the services: sandbox, photos, and a receiver of webhooks that keeps all bodies. */
  async stage(url, options = {}) {
    this.webhooks ??= await startReceiver();
    this.current = await setStage({ ...options, database: { url, stop: async () => {} } });
    return this.current;
  }

  async start(settings = {}) {
    const service = await this.current.startService({
      ...SETTINGS,
      NODE_OPTIONS: `--import ${new URL('statements.mjs', import.meta.url).href}`,
      ...settings,
    });
    service.child.on('message', ({ statement, error }) => {
      if (statement !== undefined) this.note(statement, error);
    });
    return service;
  }

  async startReady(settings) {
    const service = await this.start(settings);
    await ready(service);
    return service;
  }

  note(statement, error) {
    this.statements.add(statement);
    if (ABOUT_THE_STATEMENT.test(error) && !BROKEN_OFF.test(error)) this.refused.set(statement, error);
  }

  async endStage() {
    await this.current?.stop();
    this.current = undefined;
  }

  async stop() {
    await this.endStage();
    this.webhooks?.close();
    for (const relay of this.relays) relay.close();
    for (const name of this.databases) {
      await this.cluster.drop(name).catch((error) => console.error(`the database ${name} stays: ${error.message}`));
    }
  }
}

/** Answers 204 to everything and keeps every body by its webhook-id. */
async function startReceiver() {
  const bodies = new Map();
  const receive = async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // Its sender was killed during the request.
    }
    const id = request.headers['webhook-id'];
    bodies.set(id, [...(bodies.get(id) ?? []), Buffer.concat(chunks).toString()]);
    response.writeHead(204).end();
  };
  const server = createServer((request, response) => void receive(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    bodies,
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => (server.closeAllConnections(), server.close()),
  };
}
