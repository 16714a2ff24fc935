import { Copy, sameIDs } from './copy.js';
import type { Change, News, Page, Position } from './protocol.js';
import { Reading } from './reading.js';

/** What a follower needs and tells. */
export interface FollowerPort {
  /** Asks for a page; the answer goes to page. */
  read(cursor: string, reading: Reading): void;
  /** The copy changed. Not told of the first copy. */
  changed(ids: string[]): void;
  /** The copy is the server's, as far as was told. */
  synced(): void;
  /** The server's pages make no sense together: connect anew. */
  failed(reason: string): void;
}

/**
 * Keeps a copy of the blocklist over many connections. The copy that it shows was at each time the server's, never goes
 * backwards, and takes in each change once.
 */
export class Follower {
  #port: FollowerPort;
  #copy: Copy | undefined;
  #reading: Reading | undefined;
  #attempts = 0;

  constructor(port: FollowerPort) {
    this.#port = port;
  }

  /** Where the copy stands; undefined without one. */
  get position(): Position | undefined {
    return this.#copy?.position;
  }

  /** The copy's accounts; undefined without a copy. */
  ids(): string[] | undefined {
    return this.#copy?.ids();
  }

  /** Takes in what a login brought. */
  begin(news: News): void {
    this.#attempts = 0;
    if (news.Reload || this.#copy?.position.List !== news.List) {
      this.#read([]);
      return;
    }
    const before = this.#copy.ids();
    for (const change of news.Changes ?? []) {
      if (change.Sequence === this.#copy.position.Sequence + 1) this.#copy.apply(change);
    }
    if (this.#copy.position.Sequence !== news.Sequence) {
      this.#read([]); // the news had a hole
      return;
    }
    this.#tell(before);
    this.#port.synced();
  }

  /** Takes in a change that was pushed. */
  change(change: Change): void {
    if (this.#reading) {
      this.#reading.push(change);
      this.#finish();
      return;
    }
    const copy = this.#copy;
    if (!copy || change.Sequence <= copy.position.Sequence) return;
    if (change.Sequence > copy.position.Sequence + 1) {
      this.#read([change]);
      return;
    }
    const before = copy.ids();
    copy.apply(change);
    this.#tell(before);
  }

  /** Reads the list anew. */
  reload(): void {
    this.#attempts = 0;
    this.#read(this.#reading?.changes ?? []);
  }

  /** Takes in a page, unless its reading was given up. */
  page(page: Page, reading: Reading): void {
    if (reading !== this.#reading) return;
    if (!reading.page(page)) this.#again();
    else if (page.Cursor !== '') this.#port.read(page.Cursor, reading);
    else this.#finish();
  }

  /** Begins a reading that came to nothing once more, unless it is another by now. */
  retry(reading: Reading): void {
    if (reading === this.#reading) this.#again();
  }

  /** Gives up what is under way: the connection ended. The copy stays. */
  stop(): void {
    this.#reading?.stop();
    this.#reading = undefined;
  }

  #read(changes: Change[]): void {
    this.#reading?.stop();
    const reading = new Reading(changes, () => this.retry(reading));
    this.#reading = reading;
    this.#port.read('', reading);
  }

  #again(): void {
    if (++this.#attempts > 5) this.#port.failed('the blocklist could not be read');
    else this.#read(this.#reading?.changes ?? []);
  }

  #finish(): void {
    const outcome = this.#reading?.result();
    if (outcome === 'hole') this.#again();
    if (!(outcome instanceof Copy)) return;
    this.stop();
    const before = this.#copy?.ids();
    this.#copy = outcome;
    this.#attempts = 0;
    if (before) this.#tell(before);
    this.#port.synced();
  }

  #tell(before: string[]): void {
    const ids = this.#copy?.ids() ?? [];
    if (!sameIDs(before, ids)) this.#port.changed(ids);
  }
}
