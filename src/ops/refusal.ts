import { isDatabaseAway } from '../common/database-away.js';
import { ServiceError } from '../common/service-error.js';
import { ConfigError } from '../config/setting-reader.js';
import type { FieldProblem } from '../generation/request/field-problems.js';
import { printable } from './printable.js';

const STATEMENT_ENDED = '57014';

/** What a command that cannot be done ends with. */
export interface Refusal {
  /** One sentence; of settings a line for each that is wrong. */
  readonly sentence: string;
  /** 2: the command line is wrong. */
  readonly exitCode: 1 | 2;
}

export function refusalOf(error: unknown): Refusal {
  if (error instanceof ServiceError) {
    return { sentence: printable(serviceSentence(error)), exitCode: error.code === 'VALIDATION_FAILED' ? 2 : 1 };
  }
  // A line for each setting, in the service's own words and without a value of anybody's.
  if (error instanceof ConfigError) return { sentence: error.message, exitCode: 1 };
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
  if (code === STATEMENT_ENDED)
    return { sentence: 'The database took too long: it is busy, or holds a lock.', exitCode: 1 };
  if (name === 'TimeoutError') return { sentence: 'The database does not answer.', exitCode: 1 };
  const said = printable(typeof message === 'string' && message !== '' ? message : String(code ?? error));
  return { sentence: isDatabaseAway(error) ? `The database cannot be reached: ${said}.` : said, exitCode: 1 };
}

/** The API's messages name routes and members of answers in these places. */
function serviceSentence({ code, message, details }: ServiceError): string {
  switch (code) {
    case 'JOB_NOT_FOUND':
      return 'There is no job with this id.';
    case 'DELIVERY_NOT_FOUND':
      return 'The job has no delivery with this id.';
    case 'LOT_NOT_FOUND': {
      const { lot_ids: lotIds } = details as { lot_ids: readonly string[] };
      return `The job has no lot ${lotIds.join(', ')}.`;
    }
    case 'VALIDATION_FAILED': {
      const { fields } = details as { fields: readonly FieldProblem[] };
      return `--${fields[0]?.path} ${fields[0]?.rule}.`;
    }
    case 'NOTHING_TO_RETRY': {
      const { codes } = details as { codes: Readonly<Record<string, number>> };
      if (!message.includes('details.codes')) return message;
      const counts = Object.entries(codes).map(([each, lots]) => `${each} ${lots}`);
      return `No lot that was chosen has failed; the job’s lots without a result are: ${counts.join(', ')}.`;
    }
    default:
      return message;
  }
}
