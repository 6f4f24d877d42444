import { runSandbox } from 'openai-sandbox';
import { sandboxAllowList } from '../config/sandbox-environment.js';
import { GuardedFetcher } from './guarded-fetcher.js';

/** The sandbox as the service starts it: it fetches photos through the service's own guard. */
await runSandbox({
  fetcher: ({ photoTimeoutSeconds }) => new GuardedFetcher(sandboxAllowList(), photoTimeoutSeconds),
});
