/** How much each of many holds of one thing. */
export class Shares {
  private readonly held = new Map<string, number>();
  total = 0;

  of(who: string): number {
    return this.held.get(who) ?? 0;
  }

  add(who: string, amount: number): void {
    const held = this.of(who) + amount;
    this.total += amount;
    if (held > 0) this.held.set(who, held);
    else this.held.delete(who);
  }

  /**
   * Whether `who` may have `amount` more of `most`: while less than half is taken, everyone may use what is free;
   * beyond that no one may have more than a quarter, except for a first piece.
   */
  allows(who: string, amount: number, most: number): boolean {
    if (this.total + amount > most) return false;
    return this.total + amount <= most / 2 || this.of(who) + amount <= Math.max(most / 4, amount);
  }
}
