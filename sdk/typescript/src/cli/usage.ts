export const USAGE = `generation-service: damage in photos of car lots, described in many languages

  generation-service submit lots.csv --languages en,de [--wait]
  generation-service status JOB_ID
  generation-service wait JOB_ID
  generation-service results JOB_ID [--format ndjson|json|csv] [--partial]
  generation-service failed JOB_ID
  generation-service retry JOB_ID [--code CODE,…] [--lot LOT_ID]… [--dry-run] [--wait]
  generation-service cancel|pause|resume JOB_ID
  generation-service photo-check lots.csv | ADDRESS…
  generation-service usage [--from 2026-01-01] [--to 2026-01-31] [--by day|model|mode]
  generation-service sign METHOD PATH [--body FILE]
  generation-service verify --id ID --timestamp SECONDS --signature SIGNATURE [--ignore-age] < body

submit takes CSV with the columns lot_id, images (addresses separated by spaces or |), additional_info and webhook, or
NDJSON (lots.ndjson) with a lot on each line. Also: --webhook-url URL, --max-cost-usd USD, --include assessment,notes,usage,
--metadata NAME=VALUE (more than once), --idempotency-key KEY (the same key: the same job, not a second one).

results gives all lots, or those that fit: --status completed|failed|cancelled, --code CODE, --needs-review, --lot LOT_ID,
--after LOT_ID (only those behind it). retry tries the failed lots of an ended job once more, as a new job; --code CANCELLED
takes those that a cancel left. photo-check asks no model; it ends with 1 when some photo cannot be used.

Results and tables go to standard output, everything else to standard error. Tables have tabs between their columns.

The environment has the rest, because others on this machine can read a command line:
  GENERATION_SERVICE_URL      where the service is (http://127.0.0.1:3000)
  GENERATION_SERVICE_SECRET   the shared key
  GENERATION_SERVICE_KEY_ID   the key's id, where there are several keys
  WEBHOOK_SECRET              for verify: whsec_…; without it the shared key is used
`;
