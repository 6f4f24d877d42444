export const USAGE = `generation-service: damage in photos of car lots, described in many languages

  generation-service submit lots.csv --languages en,de [--wait]
  generation-service status JOB_ID
  generation-service wait JOB_ID
  generation-service results JOB_ID [--format ndjson|json|csv] [--partial]
  generation-service cancel JOB_ID
  generation-service sign METHOD PATH [--body FILE]
  generation-service verify --id ID --timestamp SECONDS --signature SIGNATURE [--ignore-age] < body

submit takes CSV with the columns lot_id, images (addresses separated by spaces or |), additional_info and webhook, or
NDJSON (lots.ndjson) with a lot on each line. Also: --webhook-url URL, --max-cost-usd USD, --include assessment,usage,
--metadata NAME=VALUE (more than once), --idempotency-key KEY (the same key: the same job, not a second one).

Results go to standard output, everything else to standard error.

The environment has the rest, because others on this machine can read a command line:
  GENERATION_SERVICE_URL      where the service is (http://127.0.0.1:3000)
  GENERATION_SERVICE_SECRET   the shared key
  GENERATION_SERVICE_KEY_ID   the key's id, where there are several keys
  WEBHOOK_SECRET              for verify: whsec_…; without it the shared key is used
`;
