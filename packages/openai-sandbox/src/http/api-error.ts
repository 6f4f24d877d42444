/** An error in OpenAI's shape: `{"error":{"message","type","param","code"}}`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly options: {
      readonly type?: string;
      readonly param?: string | null;
      readonly code?: string | null;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
    this.name = 'ApiError';
  }

  body(): { error: { message: string; type: string; param: string | null; code: string | null } } {
    const { type, param, code } = this.options;
    return {
      error: {
        message: this.message,
        type: type ?? (this.status >= 500 ? 'server_error' : 'invalid_request_error'),
        param: param ?? null,
        code: code ?? null,
      },
    };
  }
}

/** 400 with the member's path and a code. */
export function invalid(message: string, param: string | null, code: string | null): ApiError {
  return new ApiError(400, message, { param, code });
}

export function missingParameter(param: string): ApiError {
  return invalid(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter');
}

export function wrongType(param: string, expected: string, got: string): ApiError {
  return invalid(`Invalid type for '${param}': expected ${expected}, but got ${got} instead.`, param, 'invalid_type');
}

export function wrongValue(param: string, value: unknown, supported: readonly string[]): ApiError {
  return invalid(
    `Invalid value: '${String(value)}'. Supported values are: ${enumerate(supported)}.`,
    param,
    'invalid_value',
  );
}

/** `'a', 'b', and 'c'`, as the messages list values. */
export function enumerate(values: readonly string[]): string {
  const quoted = values.map((value) => `'${value}'`);
  if (quoted.length < 2) return quoted.join('');
  if (quoted.length === 2) return quoted.join(' and ');
  return `${quoted.slice(0, -1).join(', ')}, and ${quoted[quoted.length - 1] ?? ''}`;
}
