/** The form of every `next_cursor`, for the OpenAPI document: a UUID's 36 characters in base64url. */
export const CURSOR_PATTERN = '^[A-Za-z0-9_-]{48}$';
