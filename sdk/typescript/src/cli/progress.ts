import type { JobStatus } from '../types.js';

const WIDTH = 30;

/** Shows a job's progress: a bar that is drawn again in a terminal, otherwise a line for each change. */
export function progressPrinter(stream: {
  write(text: string): unknown;
  isTTY?: boolean;
}): (status: JobStatus) => void {
  let shown = '';
  return (status) => {
    const text = progressLine(status);
    if (text === shown) return;
    shown = text;
    const ended = status.processing_details.current_stage === 'done';
    stream.write(stream.isTTY === true ? `\r\u001b[K${text}${ended ? '\n' : ''}` : `${text}\n`);
  };
}

export function progressLine({ progress, processing_details: details }: JobStatus): string {
  const share = Math.min(1, progress.work_percentage / 100);
  const bar = '█'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '░');
  const failed = progress.failed_lots > 0 ? `, ${progress.failed_lots} failed` : '';
  const lots = `${progress.processed_lots} of ${progress.total_lots} lots${failed}`;
  return `${bar} ${Math.floor(share * 100)} %  ${lots}  ${details.current_stage.replaceAll('_', ' ')}`;
}
