/**
 * Every table of the service.
 * No triggers, no functions, no sequences and no per-row foreign keys: queue tables must survive PgBouncer in
 * transaction mode, and a foreign key check on each of 50,000 lots costs a third of the COPY (measured).
 * `job_id` leads every key of lots, inputs and results, so that these can be partitioned by it.
 */
export class CreateTables1764000000000 {
  name = 'CreateTables1764000000000';
  /** In a database that no migration has run in, tables of these names are another program's. */
  tables = TABLES;

  async up(queryRunner) {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner) {
    for (const table of TABLES.toReversed()) await queryRunner.query(`drop table ${table}`);
  }
}

const TABLES = [
  'batch_jobs',
  'request_keys',
  'batch_lots',
  'batch_lot_inputs',
  'batch_results',
  'job_usage',
  'openai_batches',
  'openai_models',
  'webhook_endpoints',
  'webhook_deliveries',
  'webhook_attempts',
  'workers',
];

const UP = [
  `create table batch_jobs (
    id uuid not null,
    key_id text not null,
    -- Which of the key id's secrets signed the request: the start of its SHA-256, never the secret.
    secret_fingerprint text not null,
    mode text not null,
    status text not null default 'pending',
    stage text not null default 'image_check',
    -- As sent and in the order of the request; descriptions answer with these very tags.
    languages text[] not null,
    webhook_url text,
    options jsonb not null default '{}',
    metadata jsonb not null default '{}',
    total_lots integer not null,
    processed_lots integer not null default 0,
    failed_lots integer not null default 0,
    -- Lots that await each stage: kept by the statement that moves them, so that nobody ever counts lots.
    awaiting_images integer not null default 0,
    awaiting_vision integer not null default 0,
    awaiting_translation integer not null default 0,
    total_images bigint not null default 0,
    processed_images bigint not null default 0,
    cost_usd numeric(16, 8) not null default 0,
    estimated_cost_usd numeric(16, 8),
    error jsonb,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    started_at timestamptz,
    handed_over_at timestamptz,
    completed_at timestamptz,
    cancelled_at timestamptz,
    locked_until timestamptz,
    lock_token uuid,
    constraint batch_jobs_pkey primary key (id),
    constraint batch_jobs_mode_check check (mode in ('sync', 'batch')),
    constraint batch_jobs_status_check
      check (status in ('pending', 'processing', 'translating', 'completed', 'failed', 'cancelled')),
    constraint batch_jobs_stage_check
      check (stage in ('image_check', 'vision_analysis', 'translation', 'finishing', 'done'))
  ) with (fillfactor = 70)`,
  `create index batch_jobs_key_id_id_idx on batch_jobs (key_id, id desc)`,
  // The cron that takes over synchronous jobs whose process died looks at these alone.
  `create index batch_jobs_sync_lease_idx on batch_jobs (locked_until)
    where mode = 'sync' and status in ('pending', 'processing', 'translating')`,
  // Deadlines, the limit of active jobs and the oldest unfinished job.
  `create index batch_jobs_unfinished_idx on batch_jobs (key_id, created_at)
    where status in ('pending', 'processing', 'translating')`,
  `create table request_keys (
    key_id text not null,
    kind text not null,
    value text not null,
    job_id uuid not null,
    body_hash text not null,
    expires_at timestamptz not null,
    constraint request_keys_pkey primary key (key_id, kind, value),
    constraint request_keys_kind_check check (kind in ('idempotency', 'signature', 'body'))
  )`,
  `create index request_keys_expires_at_idx on request_keys (expires_at)`,
  // Narrow, because every lot's row is updated twice; half-filled pages keep those updates HOT.
  `create table batch_lots (
    job_id uuid not null,
    position integer not null,
    lot_id text not null,
    status text not null default 'pending',
    attempt smallint not null default 0,
    error jsonb,
    missing_images json,
    processed_images smallint not null default 0,
    rendered_bytes integer not null default 0,
    finished_at timestamptz,
    constraint batch_lots_pkey primary key (job_id, position),
    constraint batch_lots_status_check
      check (status in ('pending', 'processing', 'translating', 'completed', 'failed'))
  ) with (fillfactor = 50)`,
  // Wide and written once; json, not jsonb: COPY of it is a quarter faster and the text is spliced unparsed.
  `create table batch_lot_inputs (
    job_id uuid not null,
    position integer not null,
    additional_info text,
    images json not null,
    webhook text,
    constraint batch_lot_inputs_pkey primary key (job_id, position)
  )`,
  // Few lots name an address of their own: the end of a job must not read every wide row to learn that none does.
  `create index batch_lot_inputs_webhook_idx on batch_lot_inputs (job_id, position) include (webhook)
    where webhook is not null`,
  `create table batch_results (
    job_id uuid not null,
    position integer not null,
    language text not null,
    revision smallint not null default 0,
    html text not null,
    strings json not null,
    fallback boolean not null default false,
    assessment json,
    raw json,
    model text,
    prompt_version text,
    schema_version text,
    response_id text,
    usage json,
    created_at timestamptz not null,
    constraint batch_results_pkey primary key (job_id, position, language, revision)
  )`,
  `create table job_usage (
    job_id uuid not null,
    stage text not null,
    model text not null,
    calls integer not null default 0,
    input_tokens bigint not null default 0,
    cached_input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    reasoning_tokens bigint not null default 0,
    cost_usd numeric(16, 8) not null default 0,
    constraint job_usage_pkey primary key (job_id, stage, model),
    constraint job_usage_stage_check check (stage in ('vision', 'translation'))
  ) with (fillfactor = 70)`,
  `create table openai_batches (
    job_id uuid not null,
    stage text not null,
    first_position integer not null,
    attempt smallint not null,
    last_position integer not null,
    key_id text not null,
    model text not null,
    status text not null,
    submission smallint not null default 0,
    -- The next lot whose photos are to be checked; last_position + 1 when the range is done.
    photos_position integer not null default 0,
    upstream text,
    input_file_id text,
    batch_id text,
    output_file_id text,
    error_file_id text,
    upstream_status text,
    request_total integer not null default 0,
    request_completed integer not null default 0,
    request_failed integer not null default 0,
    input_bytes bigint not null default 0,
    estimated_tokens bigint not null default 0,
    -- How far the files have been taken in: 'output' or 'error', and the byte after the last committed line.
    cursor_file text,
    cursor_bytes bigint not null default 0,
    reason text,
    cancel_requested boolean not null default false,
    next_check_at timestamptz not null,
    lock_token uuid,
    created_at timestamptz not null,
    submitted_at timestamptz,
    finished_at timestamptz,
    constraint openai_batches_pkey primary key (job_id, stage, first_position, attempt),
    constraint openai_batches_stage_check check (stage in ('vision', 'translation')),
    constraint openai_batches_status_check check (status in
      ('checking_photos', 'queued', 'submitting', 'watching', 'taking_in', 'direct', 'paused', 'done', 'cancelled'))
  ) with (fillfactor = 70)`,
  `create index openai_batches_due_idx on openai_batches (next_check_at)
    where status not in ('done', 'cancelled')`,
  `create index openai_batches_active_idx on openai_batches (model, key_id)
    where status in ('submitting', 'watching')`,
  `create table openai_models (
    upstream text not null,
    model text not null,
    enqueued_token_limit bigint,
    paused_until timestamptz,
    reason text,
    updated_at timestamptz not null,
    constraint openai_models_pkey primary key (upstream, model)
  )`,
  // A receiver is one origin of one key id: its health, its circuit and how many requests it may have in flight.
  `create table webhook_endpoints (
    key_id text not null,
    origin text not null,
    slots smallint not null default 8,
    consecutive_failures integer not null default 0,
    -- Set while the circuit is open; from open_until on a single delivery may try.
    opened_at timestamptz,
    open_until timestamptz,
    failed_probes smallint not null default 0,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    last_error text,
    updated_at timestamptz not null,
    constraint webhook_endpoints_pkey primary key (key_id, origin)
  ) with (fillfactor = 50)`,
  `create table webhook_deliveries (
    id uuid not null,
    -- Null for a ping.
    job_id uuid,
    key_id text not null,
    origin text not null,
    url text not null,
    event text not null,
    part integer not null default 1,
    parts integer not null default 1,
    -- The part's lots: positions from first to last whose address is this url.
    first_position integer,
    last_position integer,
    lots integer not null default 0,
    -- About how long the body will be: bounds what a process holds in memory before it has rendered it.
    bytes integer not null default 0,
    revision smallint not null default 0,
    -- The body of events that carry no lots; json keeps its text as it was written.
    payload json,
    body_sha256 text,
    status text not null default 'pending',
    -- Numbers the attempts; the other two start anew when a delivery is sent again by hand.
    attempts integer not null default 0,
    failures integer not null default 0,
    unknown_outcomes integer not null default 0,
    next_attempt_at timestamptz not null,
    response_status smallint,
    last_error text,
    created_at timestamptz not null,
    delivered_at timestamptz,
    locked_until timestamptz,
    lock_token uuid,
    constraint webhook_deliveries_pkey primary key (id),
    constraint webhook_deliveries_status_check
      check (status in ('pending', 'in_flight', 'delivered', 'failed', 'superseded'))
  ) with (fillfactor = 60)`,
  `create index webhook_deliveries_job_id_idx on webhook_deliveries (job_id)`,
  `create index webhook_deliveries_key_id_status_idx on webhook_deliveries (key_id, status, id desc)`,
  `create index webhook_deliveries_due_idx on webhook_deliveries (key_id, origin, next_attempt_at)
    where status = 'pending'`,
  `create index webhook_deliveries_in_flight_idx on webhook_deliveries (key_id, origin, locked_until)
    where status = 'in_flight'`,
  // Inserted by the claim, so before the request leaves: 'unknown' is what a killed process leaves behind.
  `create table webhook_attempts (
    delivery_id uuid not null,
    attempt integer not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    outcome text not null default 'unknown',
    address text,
    response_status smallint,
    response_start text,
    duration_ms integer,
    error text,
    constraint webhook_attempts_pkey primary key (delivery_id, attempt),
    constraint webhook_attempts_outcome_check check (outcome in ('unknown', 'delivered', 'failed'))
  ) with (fillfactor = 50)`,
  `create table workers (
    id uuid not null,
    role text not null,
    started_at timestamptz not null,
    beat_at timestamptz not null,
    ticks jsonb not null default '{}',
    constraint workers_pkey primary key (id)
  ) with (fillfactor = 50)`,
];
