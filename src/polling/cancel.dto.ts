/** A job that has just been cancelled. */
export class CancelledJobDto {
  /** The job that was cancelled. */
  job_id: string;
  /** Always cancelled. */
  status: 'cancelled';
  /** When it was cancelled. */
  cancelled_at: string;
  /** What that means, as text for people. */
  message: string;
}
