import { ValidatorConstraint, type ValidatorConstraintInterface } from 'class-validator';
import { isUuid } from './ids.js';

/** The form of every `next_cursor`, for the OpenAPI document: a UUID's 36 characters in base64url. */
export const CURSOR_PATTERN = '^[A-Za-z0-9_-]{48}$';

/** Where the next page starts: opaque to clients, so that what orders a list may change. */
export function cursorAfter(id: string): string {
  return Buffer.from(id).toString('base64url');
}

/** The id in a cursor; null when it is not one of our cursors. */
export function parseCursor(cursor: string): string | null {
  const id = Buffer.from(cursor, 'base64url').toString('latin1');
  return isUuid(id) && cursorAfter(id) === cursor ? id : null;
}

@ValidatorConstraint({ name: 'cursor' })
export class CursorConstraint implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return typeof value === 'string' && parseCursor(value) !== null;
  }

  defaultMessage(): string {
    return 'must be a next_cursor of an earlier page';
  }
}
