import { Copy } from './copy.js';
import { ANSWER_TIME } from './link.js';
import type { Change, Page, Position } from './protocol.js';

/**
 * A list that is being read page by page while it changes. Pages of different times make up a state of the list only
 * together with all changes from the first page's up to the last page's, so the result waits for these.
 */
export class Reading {
  /** The changes that came since the reading began, in order. */
  readonly changes: Change[];
  #pages: Copy | undefined;
  #last: Position | undefined;
  #complete = false;
  #late: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** late is called when the changes that the pages tell of do not come. */
  constructor(changes: Change[], late: () => void) {
    this.changes = [...changes];
    this.#late = late;
  }

  /** Takes in a change, unless it has it. */
  push(change: Change): void {
    const last = this.changes.at(-1);
    if (!last || change.Sequence > last.Sequence) this.changes.push(change);
  }

  /** Takes in a page; false if it is of another list than the first. */
  page(page: Page): boolean {
    this.#pages ??= new Copy({ List: page.List, Sequence: page.Sequence });
    if (page.List !== this.#pages.position.List) return false;
    this.#pages.collect(page.BlackListItem);
    this.#last = page;
    this.#complete = page.Cursor === '';
    return true;
  }

  /** The list; or that changes are still missing, at the end or in between. */
  result(): Copy | 'hole' | 'early' {
    if (!this.#complete || !this.#pages || !this.#last) return 'early';
    const first = this.#pages.position.Sequence;
    const news = this.changes.filter((c) => c.Sequence > first);
    if (news.some((c, i) => c.Sequence !== first + 1 + i)) return 'hole';
    if (first + news.length < this.#last.Sequence) {
      this.#timer ??= setTimeout(this.#late, ANSWER_TIME);
      return 'early';
    }
    for (const change of news) this.#pages.apply(change);
    return this.#pages;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
