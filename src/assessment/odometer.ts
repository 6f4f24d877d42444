/** `84,512 km` as 84512 km; null where it is no such reading. A decimal part, which trip counters show, is dropped. */
export function odometerOf(reading: string): { readonly value: number; readonly unit: 'km' | 'mi' | null } | null {
  const match = /^(\d[\d\s.,']*?)(?:[.,]\d)?\s*(km|mi|miles)?$/iu.exec(reading.trim());
  const digits = match?.[1]?.replaceAll(/\D/g, '') ?? '';
  if (digits === '' || digits.length > 7) return null;
  const unit = match?.[2]?.toLowerCase();
  return { value: Number(digits), unit: unit === undefined ? null : unit === 'km' ? 'km' : 'mi' };
}
