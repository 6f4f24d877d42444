-- Written by "npm run schema" from the catalogue of a migrated database; never edited by hand.

create table batch_jobs (
  id uuid not null,
  key_id text not null,
  secret_fingerprint text not null,
  mode text not null,
  status text not null default 'pending'::text,
  stage text not null default 'image_check'::text,
  languages text[] not null,
  webhook_url text,
  options jsonb not null default '{}'::jsonb,
  metadata jsonb not null default '{}'::jsonb,
  total_lots integer not null,
  processed_lots integer not null default 0,
  failed_lots integer not null default 0,
  awaiting_images integer not null default 0,
  awaiting_vision integer not null default 0,
  awaiting_translation integer not null default 0,
  total_images bigint not null default 0,
  processed_images bigint not null default 0,
  cost_usd numeric(16,8) not null default 0,
  estimated_cost_usd numeric(16,8),
  error jsonb,
  version integer not null default 1,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  started_at timestamp with time zone,
  handed_over_at timestamp with time zone,
  completed_at timestamp with time zone,
  cancelled_at timestamp with time zone,
  locked_until timestamp with time zone,
  lock_token uuid,
  reserved_usd numeric(16,8) not null default 0,
  takeovers smallint not null default 0,
  glossaries jsonb not null default '{}'::jsonb,
  revision smallint not null default 0,
  shows_review boolean not null default false,
  client_words text,
  failures jsonb not null default '{}'::jsonb,
  retry_of uuid,
  paused_by_client boolean not null default false,
  operator_pause_reason text,
  paused_at timestamp with time zone,
  paused_ms bigint not null default 0,
  lot_webhooks boolean not null default true,
  constraint batch_jobs_pkey PRIMARY KEY (id),
  constraint batch_jobs_mode_check CHECK ((mode = ANY (ARRAY['sync'::text, 'batch'::text]))),
  constraint batch_jobs_stage_check CHECK ((stage = ANY (ARRAY['image_check'::text, 'vision_analysis'::text, 'translation'::text, 'finishing'::text, 'done'::text]))),
  constraint batch_jobs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'processing'::text, 'translating'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
) with (autovacuum_vacuum_insert_scale_factor=0.02, autovacuum_vacuum_scale_factor=0.02, fillfactor=70);
CREATE INDEX batch_jobs_ended_idx ON public.batch_jobs USING btree (COALESCE(completed_at, cancelled_at), id) WHERE (COALESCE(completed_at, cancelled_at) IS NOT NULL);
CREATE INDEX batch_jobs_listed_idx ON public.batch_jobs USING btree (key_id, id) INCLUDE (status, created_at, mode) WHERE ((mode = 'batch'::text) OR (handed_over_at IS NOT NULL));
CREATE INDEX batch_jobs_lot_webhooks_idx ON public.batch_jobs USING btree (id) WHERE lot_webhooks;
CREATE INDEX batch_jobs_paused_idx ON public.batch_jobs USING btree (id) WHERE (paused_at IS NOT NULL);
CREATE INDEX batch_jobs_retry_of_idx ON public.batch_jobs USING btree (retry_of, id) WHERE (retry_of IS NOT NULL);
CREATE INDEX batch_jobs_sync_count_idx ON public.batch_jobs USING btree (key_id, status) WHERE (mode = 'sync'::text);
CREATE INDEX batch_jobs_sync_idx ON public.batch_jobs USING btree (key_id, id) INCLUDE (status, created_at) WHERE (mode = 'sync'::text);
CREATE INDEX batch_jobs_sync_lease_idx ON public.batch_jobs USING btree (locked_until) WHERE ((mode = 'sync'::text) AND (status = ANY (ARRAY['pending'::text, 'processing'::text, 'translating'::text])));
CREATE INDEX batch_jobs_unfinished_idx ON public.batch_jobs USING btree (key_id, created_at) WHERE (status = ANY (ARRAY['pending'::text, 'processing'::text, 'translating'::text]));

create table batch_lot_inputs (
  job_id uuid not null,
  position integer not null,
  additional_info text,
  images json not null,
  webhook text,
  constraint batch_lot_inputs_pkey PRIMARY KEY (job_id, "position")
);
CREATE INDEX batch_lot_inputs_webhook_idx ON public.batch_lot_inputs USING btree (job_id, "position") WHERE (webhook IS NOT NULL);

create table batch_lots (
  job_id uuid not null,
  position integer not null,
  lot_id text not null,
  status text not null default 'pending'::text,
  attempt smallint not null default 0,
  error jsonb,
  missing_images json,
  processed_images smallint not null default 0,
  rendered_bytes integer not null default 0,
  finished_at timestamp with time zone,
  missing_reasons json,
  waiting_images json,
  unanswered smallint,
  photo_tokens integer,
  constraint batch_lots_pkey PRIMARY KEY (job_id, "position"),
  constraint batch_lots_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'processing'::text, 'translating'::text, 'completed'::text, 'failed'::text])))
) with (fillfactor=50);

create table batch_results (
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
  created_at timestamp with time zone not null,
  needs_review json,
  constraint batch_results_pkey PRIMARY KEY (job_id, "position", language, revision)
);
CREATE INDEX batch_results_review_idx ON public.batch_results USING btree (job_id, "position") WHERE ((language = 'en'::text) AND ((needs_review ->> 'value'::text) = 'true'::text));

create table client_word_versions (
  version text not null,
  words json not null,
  created_at timestamp with time zone not null,
  constraint client_word_versions_pkey PRIMARY KEY (version)
);

create unlogged table event_streams (
  key_id text not null,
  place smallint not null,
  token uuid not null,
  held_until timestamp with time zone not null,
  constraint event_streams_pkey PRIMARY KEY (key_id, place)
) with (fillfactor=50);

create table glossary_makings (
  tag text not null,
  taxonomy text not null,
  prompt text not null,
  model text not null,
  status text not null,
  version text,
  due_at timestamp with time zone not null,
  lock_token uuid,
  tries smallint not null default 0,
  tries_since timestamp with time zone,
  failures smallint not null default 0,
  reason text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint glossary_makings_pkey PRIMARY KEY (tag, taxonomy, prompt, model),
  constraint glossary_makings_status_check CHECK ((status = ANY (ARRAY['wanted'::text, 'resting'::text, 'made'::text])))
);
CREATE INDEX glossary_makings_wanted_idx ON public.glossary_makings USING btree (due_at) WHERE (status = 'wanted'::text);

create table glossary_versions (
  tag text not null,
  version text not null,
  origin text not null,
  state text not null,
  words json not null,
  created_at timestamp with time zone not null,
  constraint glossary_versions_pkey PRIMARY KEY (tag, version),
  constraint glossary_versions_origin_check CHECK ((origin = ANY (ARRAY['shipped'::text, 'made'::text, 'client'::text]))),
  constraint glossary_versions_state_check CHECK ((state = ANY (ARRAY['machine'::text, 'checked'::text, 'reviewed'::text])))
);

create table job_usage (
  job_id uuid not null,
  stage text not null,
  model text not null,
  calls integer not null default 0,
  input_tokens bigint not null default 0,
  cached_input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  cost_usd numeric(16,8) not null default 0,
  constraint job_usage_pkey PRIMARY KEY (job_id, stage, model),
  constraint job_usage_stage_check CHECK ((stage = ANY (ARRAY['vision'::text, 'translation'::text])))
) with (fillfactor=70);

create table key_usage (
  key_id text not null,
  day date not null,
  model text not null,
  mode text not null,
  lots bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  output_tokens bigint not null,
  cost_usd numeric(20,8) not null,
  constraint key_usage_pkey PRIMARY KEY (key_id, day, model, mode)
);

create table key_usage_entries (
  key_id text not null,
  day date not null,
  id uuid not null,
  model text not null,
  mode text not null,
  lots bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  output_tokens bigint not null,
  cost_usd numeric(16,8) not null,
  constraint key_usage_entries_pkey PRIMARY KEY (key_id, day, id)
);

create table lot_retries (
  job_id uuid not null,
  position integer not null,
  source_position integer not null,
  root_id uuid not null,
  root_position integer not null,
  current boolean not null default true,
  constraint lot_retries_pkey PRIMARY KEY (job_id, "position")
);
CREATE UNIQUE INDEX lot_retries_current_idx ON public.lot_retries USING btree (root_id, root_position) WHERE current;

create table openai_batches (
  job_id uuid not null,
  stage text not null,
  first_position integer not null,
  attempt smallint not null,
  last_position integer not null,
  key_id text not null,
  model text not null,
  status text not null,
  submission smallint not null default 0,
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
  cursor_file text,
  cursor_bytes bigint not null default 0,
  reason text,
  cancel_requested boolean not null default false,
  next_check_at timestamp with time zone not null,
  lock_token uuid,
  created_at timestamp with time zone not null,
  submitted_at timestamp with time zone,
  finished_at timestamp with time zone,
  reserved_usd numeric(16,8) not null default 0,
  failures smallint not null default 0,
  constraint openai_batches_pkey PRIMARY KEY (job_id, stage, first_position, attempt),
  constraint openai_batches_stage_check CHECK ((stage = ANY (ARRAY['vision'::text, 'translation'::text]))),
  constraint openai_batches_status_check CHECK ((status = ANY (ARRAY['checking_photos'::text, 'queued'::text, 'submitting'::text, 'watching'::text, 'taking_in'::text, 'direct'::text, 'paused'::text, 'done'::text, 'cancelled'::text])))
) with (fillfactor=70);
CREATE INDEX openai_batches_active_idx ON public.openai_batches USING btree (model, key_id) WHERE (status = ANY (ARRAY['submitting'::text, 'watching'::text]));
CREATE INDEX openai_batches_due_idx ON public.openai_batches USING btree (next_check_at) WHERE (status <> ALL (ARRAY['done'::text, 'cancelled'::text]));
CREATE INDEX openai_batches_files_idx ON public.openai_batches USING btree (next_check_at) WHERE ((status = ANY (ARRAY['done'::text, 'cancelled'::text])) AND ((input_file_id IS NOT NULL) OR (output_file_id IS NOT NULL) OR (error_file_id IS NOT NULL)));

create table openai_models (
  upstream text not null,
  model text not null,
  enqueued_token_limit bigint,
  paused_until timestamp with time zone,
  reason text,
  updated_at timestamp with time zone not null,
  constraint openai_models_pkey PRIMARY KEY (upstream, model)
);

create table operator_acts (
  id uuid not null,
  begun_at timestamp with time zone not null,
  operator text not null,
  act text not null,
  job_id uuid,
  arguments json not null,
  reason text not null,
  ended_at timestamp with time zone,
  result json,
  constraint operator_acts_pkey PRIMARY KEY (id)
);

create table photo_averages (
  key_id text not null,
  model text not null,
  detail text not null,
  photos double precision not null,
  tokens double precision not null,
  updated_at timestamp with time zone not null,
  constraint photo_averages_pkey PRIMARY KEY (key_id, model, detail),
  constraint photo_averages_photos_check CHECK ((photos > (0)::double precision))
);

create unlogged table rate_limits (
  key text not null,
  points integer not null default 0,
  expire bigint,
  constraint rate_limits_pkey PRIMARY KEY (key)
) with (fillfactor=50);

create table request_keys (
  key_id text not null,
  kind text not null,
  value text not null,
  job_id uuid not null,
  body_hash text not null,
  expires_at timestamp with time zone not null,
  constraint request_keys_pkey PRIMARY KEY (key_id, kind, value),
  constraint request_keys_kind_check CHECK ((kind = ANY (ARRAY['idempotency'::text, 'signature'::text, 'body'::text])))
);
CREATE INDEX request_keys_expires_at_idx ON public.request_keys USING btree (expires_at);

create table webhook_attempts (
  delivery_id uuid not null,
  attempt integer not null,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  outcome text not null default 'unknown'::text,
  address text,
  response_status smallint,
  response_start text,
  duration_ms integer,
  error text,
  constraint webhook_attempts_pkey PRIMARY KEY (delivery_id, attempt),
  constraint webhook_attempts_outcome_check CHECK ((outcome = ANY (ARRAY['unknown'::text, 'delivered'::text, 'failed'::text])))
) with (fillfactor=50);

create table webhook_deliveries (
  id uuid not null,
  job_id uuid,
  key_id text not null,
  origin text not null,
  url text not null,
  event text not null,
  part integer not null default 1,
  parts integer not null default 1,
  first_position integer,
  last_position integer,
  lots integer not null default 0,
  bytes integer not null default 0,
  revision smallint not null default 0,
  payload json,
  body_sha256 text,
  status text not null default 'pending'::text,
  attempts integer not null default 0,
  failures integer not null default 0,
  unknown_outcomes integer not null default 0,
  next_attempt_at timestamp with time zone not null,
  response_status smallint,
  last_error text,
  created_at timestamp with time zone not null,
  delivered_at timestamp with time zone,
  locked_until timestamp with time zone,
  lock_token uuid,
  awaits_recovery boolean not null default false,
  constraint webhook_deliveries_pkey PRIMARY KEY (id),
  constraint webhook_deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'in_flight'::text, 'delivered'::text, 'failed'::text, 'superseded'::text])))
) with (fillfactor=60);
CREATE INDEX webhook_deliveries_awaits_recovery_idx ON public.webhook_deliveries USING btree (key_id, origin) WHERE awaits_recovery;
CREATE INDEX webhook_deliveries_due_idx ON public.webhook_deliveries USING btree (key_id, origin, next_attempt_at) WHERE (status = 'pending'::text);
CREATE INDEX webhook_deliveries_in_flight_idx ON public.webhook_deliveries USING btree (key_id, origin, locked_until) WHERE (status = 'in_flight'::text);
CREATE INDEX webhook_deliveries_job_id_idx ON public.webhook_deliveries USING btree (job_id);
CREATE INDEX webhook_deliveries_key_id_status_idx ON public.webhook_deliveries USING btree (key_id, status, id DESC);

create table webhook_endpoints (
  key_id text not null,
  origin text not null,
  slots smallint not null default 8,
  consecutive_failures integer not null default 0,
  opened_at timestamp with time zone,
  open_until timestamp with time zone,
  failed_probes smallint not null default 0,
  last_success_at timestamp with time zone,
  last_failure_at timestamp with time zone,
  last_error text,
  updated_at timestamp with time zone not null,
  constraint webhook_endpoints_pkey PRIMARY KEY (key_id, origin)
) with (fillfactor=50);

create table workers (
  id uuid not null,
  role text not null,
  started_at timestamp with time zone not null,
  beat_at timestamp with time zone not null,
  constraint workers_pkey PRIMARY KEY (id)
) with (fillfactor=50);
