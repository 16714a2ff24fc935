import type { Change, Entry, Position } from './protocol.js';

/** A blocklist as of one position: the accounts in the order in which they were added. */
export class Copy {
  readonly position: Position;
  #accounts = new Set<string>();

  constructor(position: Position) {
    this.position = { ...position };
  }

  /** Takes in a page's entries; a later entry replaces an earlier one for the same account. */
  collect(entries: Entry[] | null): void {
    for (const { To_Account } of entries ?? []) {
      this.#accounts.delete(To_Account);
      this.#accounts.add(To_Account);
    }
  }

  /** Applies a change. Adding twice moves the account to the end, which keeps the order where pages and changes overlap. */
  apply(change: Change): void {
    for (const id of change.Removed ?? []) this.#accounts.delete(id);
    this.collect(change.Added);
    this.position.Sequence = change.Sequence;
  }

  /** The accounts, in an array of the caller's own. */
  ids(): string[] {
    return [...this.#accounts];
  }
}

/** Tells whether two lists are the same, order included. */
export function sameIDs(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
