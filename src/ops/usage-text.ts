/** What a wrong command line is answered with. */
export const USAGE = `Usage: npm run ops -- <command> [options]
In the image: node dist/ops.js <command> [options]

Looks, for all keys:
  status                          what needs somebody now: workers, jobs, OpenAI, webhooks, failures
  jobs [--status S,S|all] [--key K] [--limit N]
                                  jobs that have not ended, oldest first, or those in some states
  failures [--since 24h] [--key K]
                                  failed lots by code
  failures <job> [--code C] [--limit N]
                                  the failed lots of one job
  receivers [--all] [--key K] [--limit N]
                                  addresses of webhooks that fail or that something waits for
  queue                           what waits for OpenAI, and why
  usage [--from DAY] [--to DAY] [--group-by day|model|mode|key] [--key K]
                                  lots, tokens and cost
  audit [<job>] [--limit N]       what operators did
  partitions status               weekly partitions of the tables of lots, if they have some

Acts, each kept with who did it and why:
  retry <job> [--codes C,C] [--lot L]... --reason "..." [--by NAME]
  retry <job> [--codes C,C] [--lot L]... --dry-run
  pause <job> --reason "..." [--by NAME]
  resume <job> --reason "..." [--by NAME]
  resend <job> [--delivery D] --reason "..." [--by NAME]
  partitions enable --reason "..." [--by NAME]
  partitions disable --reason "..." [--by NAME]

With --json all of them print one JSON document.
`;
