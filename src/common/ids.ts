import { v7, validate, version } from 'uuid';

/** A UUIDv7. Such ids sort by the time they were made, so new rows stay close together in an index. */
export function newId(): string {
  return v7();
}

/** True for any well-formed UUID, in lower or upper case. */
export function isUuid(text: string): boolean {
  return validate(text) && version(text) > 0;
}
