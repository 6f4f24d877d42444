import { v7, validate, version } from 'uuid';

/** A UUIDv7. Such ids sort by the time they were made, so new rows stay close together in an index. */
export function newId(): string {
  return v7();
}

/** True for any well-formed UUID, in lower or upper case. */
export function isUuid(text: string): boolean {
  return validate(text) && version(text) > 0;
}

/** The first id that {@link newId} could have made at a time. @param time - milliseconds since 1970 */
export function firstIdAt(time: number): string {
  const hex = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
