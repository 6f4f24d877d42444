// A job of many lots as the intake leaves it, in a database of its own, and the service's own classes that work on it.
import { NestFactory } from '@nestjs/core';
import { setStage } from '../../scripts/prove/stage.mjs';
import { aJob } from '../../test/support/a-job.mjs';

const DIST = new URL('../../dist/', import.meta.url);
export const load = (file) => import(new URL(file, DIST));

/** `openai` replaces the sandbox's address. */
export async function startBench(openai) {
  const stage = await setStage();
  const { loadConfig } = await load('config/load-config.js');
  const { AppModule } = await load('app.module.js');
  const { BatchModule } = await load('batch/batch.module.js');
  const url = stage.pool.options.connectionString;
  const config = loadConfig({
    SHARED_KEY: 'k'.repeat(32),
    DATABASE_URL: url,
    OPENAI_API_KEY: 'bench',
    OPENAI_BASE_URL: openai ?? stage.openai,
    LOG_LEVEL: 'fatal',
  });
  // Without the scheduler of WorkerModule no cron runs: the benchmark itself runs what it measures.
  const app = await NestFactory.createApplicationContext(AppModule.forRoot(config, url, [BatchModule]), {
    logger: false,
  });
  return {
    stage,
    app,
    config,
    async stop() {
      await app.close();
      await stage.stop();
    },
  };
}

/** Inserts a job whose lots await vision; returns its id. */
export async function insertJob(pool, lots, images) {
  const id = await aJob(pool, {
    keyId: 'bench',
    status: 'processing',
    stage: 'vision_analysis',
    languages: ['en', 'fi', 'sv', 'el'],
    totalLots: lots,
    totalImages: lots * images,
    awaitingVision: lots,
  });
  await pool.query(
    `insert into batch_lots (job_id, position, lot_id, status, processed_images)
     select $1, n, 'lot-' || n, 'processing', $3 from generate_series(0, $2::int - 1) n`,
    [id, lots, images],
  );
  await pool.query(
    `insert into batch_lot_inputs (job_id, position, additional_info, images)
     select $1, n, '2021 BMW X5 ' || n, ('[' || (select string_agg('"https://cdn.bench.test/lots/' || n || '/photo-' || p || '-0123456789abcdef.jpg"', ',')
       from generate_series(1, $3::int) p) || ']')::json
     from generate_series(0, $2::int - 1) n`,
    [id, lots, images],
  );
  await pool.query(
    `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status, next_check_at, created_at)
     values ($1, 'vision', 0, 0, $2, 'bench', 'gpt-5.6-terra', 'taking_in', now(), now())`,
    [id, lots - 1],
  );
  await pool.query('analyze');
  return id;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Prints a benchmark and its floor, from runs that take turns. */
export function report(name, floors, runs, target) {
  const ratios = runs.map((ms, index) => ms / floors[index]);
  const ms = (numbers) =>
    `${median(numbers).toFixed(0)} ms (${Math.min(...numbers).toFixed(0)} to ${Math.max(...numbers).toFixed(0)})`;
  console.log(`${name}: ${ms(runs)}; floor ${ms(floors)}; ${median(ratios).toFixed(2)}x of it (to reach: ${target}x)`);
}

/** Reads `--lots=N` (50,000 if absent) and `--rounds=N` (5 if absent). */
export function optionOf(args, name, otherwise) {
  const option = args.find((argument) => argument.startsWith(`--${name}=`));
  return option === undefined ? otherwise : Number(option.slice(name.length + 3));
}
