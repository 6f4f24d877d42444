/** A job that has just been cancelled. */
export class CancelledJobDto {
  job_id: string;
  /** Always cancelled. */
  status: 'cancelled';
  cancelled_at: string;
  message: string;
}
