// Counts a job's lots twice more, without the service's code: from the downloaded NDJSON and from the tables.

/** Reads a stream of NDJSON lot by lot; `onLot` gets each parsed line. */
export async function readNdjson(body, onLot) {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop();
    for (const line of lines) if (line !== '') onLot(JSON.parse(line));
  }
  if (rest !== '') onLot(JSON.parse(rest));
}

/** What is wrong with a job's lots as a client gets them. */
export class ClientRecount {
  missing;
  doubled = 0;
  foreign = 0;
  incomplete = 0;
  completed = 0;
  failed = new Map();
  fallbacks = 0;

  constructor(name, count, languages, images) {
    this.name = name;
    this.languages = languages;
    this.images = images;
    this.expected = new Set(Array.from({ length: count }, (_, lot) => `${name}-${lot}`));
    this.all = new Set(this.expected);
  }

  add(lot) {
    if (lot.lot_id === undefined) return;
    if (!this.expected.delete(lot.lot_id)) {
      if (this.all.has(lot.lot_id)) this.doubled++;
      else this.foreign++;
    }
    if (lot.status === 'failed') {
      const { code } = lot.error;
      this.failed.set(code, (this.failed.get(code) ?? 0) + 1);
      return;
    }
    if (lot.status !== 'completed') {
      this.incomplete++;
      return;
    }
    this.completed++;
    const tags = lot.descriptions.map((description) => description.language).join();
    if (tags !== this.languages.join()) this.incomplete++;
    this.fallbacks += lot.descriptions.filter((description) => description.fallback).length;
    // Every photo that the assessment cites names its lot; every text cites the photos of that same assessment. Digits outside of
    // lists are left out: doors are a number in some languages and a word in others.
    const urls = JSON.stringify(lot.assessment).match(/https?:\/\/[^"]+/g) ?? [];
    if (urls.length === 0 || urls.some((url) => !url.includes(`/${lot.lot_id}/`))) this.foreign++;
    const english = lot.descriptions.find((description) => description.language === 'en')?.damages ?? '';
    const cited = (html) => html.match(/<li>.*?<\/li>/g)?.map((item) => item.match(/\d+/g)?.join());
    const shape = (html) => `${html.match(/<\/?(p|ul|li)>/g)?.join('')} ${cited(html)?.join(';')}`;
    for (const { damages } of lot.descriptions) if (english !== '' && shape(damages) !== shape(english)) this.foreign++;
  }

  report() {
    return {
      completed: this.completed,
      failed: Object.fromEntries(this.failed),
      missing: this.expected.size,
      doubled: this.doubled,
      foreign_text: this.foreign,
      incomplete: this.incomplete,
      english_fallbacks: this.fallbacks,
    };
  }
}

/** The same from the tables: stored counters against counted rows. Each statement names the job, so that any engine routes it. */
export async function recountTables(pool, jobId) {
  const one = async (text) => (await pool.query(text, [jobId])).rows[0];
  const job = {
    ...(await one(
      `select status, total_lots, processed_lots, failed_lots, languages,
         awaiting_images + awaiting_vision + awaiting_translation as awaiting,
         (select coalesce(sum((value->>'lots')::int), 0)::int from jsonb_each(failures)) as failed_by_code,
         cost_usd, (select sum(cost_usd) from job_usage where job_id = id) as usage_cost
       from batch_jobs where id = $1`,
    )),
    ...(await one(
      `select count(*)::int as lots, count(*) filter (where status = 'completed')::int as completed,
         count(*) filter (where status = 'failed')::int as failed
       from batch_lots where job_id = $1`,
    )),
    ...(await one('select count(*)::int as results from batch_results where job_id = $1')),
  };
  const { languages, ...figures } = job;
  const { rows: lacking } = await pool.query(
    `select l.position from batch_lots l
       left join batch_results r on r.job_id = l.job_id and r.position = l.position and r.language = any($2::text[])
      where l.job_id = $1 and l.status = 'completed'
      group by l.position having count(distinct r.language) < $3::int`,
    [jobId, languages, languages.length],
  );
  figures.lacking = lacking.length;
  const right =
    job.lots === job.total_lots &&
    job.processed_lots === job.completed &&
    job.failed_lots === job.failed &&
    job.failed_by_code === job.failed &&
    job.awaiting === 0 &&
    figures.lacking === 0 &&
    Number(job.cost_usd) === Number(job.usage_cost ?? 0);
  return { ...figures, right };
}

/**
 * All batches that OpenAI (the sandbox) created, and for how many shards more than one of them ran: each further one is
 * another bill, even if its submission has another number. A batch that failed in validation costs nothing.
 */
export async function recountBatches(openai) {
  const answer = await fetch(`${new URL(openai).origin}/sandbox/batches`);
  const { created, batches } = await answer.json();
  const shards = new Map();
  for (const { status, metadata } of batches) {
    if (status === 'failed') continue;
    const shard = metadata.key.slice(0, metadata.key.lastIndexOf(':'));
    shards.set(shard, (shards.get(shard) ?? 0) + 1);
  }
  return { created, shards: shards.size, doubled: [...shards.values()].filter((count) => count > 1).length };
}
