/** The body of every refused request. */
export class ErrorDto {
  /** A short text. */
  error: string;
  /** What to do. */
  message: string;
  /** The stable code to program against. */
  code: string;
  details: Record<string, unknown>;
  request_id: string;
}
