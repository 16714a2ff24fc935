// A gateway that keeps one user's list, behind a network that loses connections at any frame. Seeded, so that a history can
// be had again. It keeps every state that the list ever had, for tests to compare with.
import { change, entry, list } from './gateway.js';
import type { Change, Frame } from '../src/protocol.js';
import type { WebSocketLike } from '../src/types.js';

/** Random numbers from 0 up to 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The server: the list, how it came to be, and who listens. */
export class Model {
  readonly random: () => number;
  /** What the list was at each sequence. */
  readonly states: string[][] = [[]];
  /** Whether the network loses connections. */
  chaos = true;
  readonly wires = new Set<Wire>();
  readonly changes: Change[] = [];
  readonly #inserted = new Map<string, number>(); // when, so to speak: pages continue after it
  #lastInsert = 0;
  readonly #kept: number;
  readonly #pageSize: number;

  constructor(random: () => number) {
    this.random = random;
    this.#kept = Math.floor(random() * 12);
    this.#pageSize = 1 + Math.floor(random() * 4);
  }

  get sequence(): number {
    return this.states.length - 1;
  }

  get ids(): string[] {
    return [...this.#inserted.keys()];
  }

  /** Adds or removes, as any device may; returns what did not change anything. */
  apply(method: string, targets: string[]): string[] {
    const add = method === 'blocklist.add';
    const fresh = targets.filter((id) => this.#inserted.has(id) !== add);
    if (fresh.length > 0) {
      for (const id of fresh) {
        if (add) this.#inserted.set(id, ++this.#lastInsert);
        else this.#inserted.delete(id);
      }
      this.states.push(this.ids);
      const made = add ? change(this.sequence, fresh) : change(this.sequence, [], fresh);
      this.changes.push(made);
      for (const wire of this.wires) wire.tell(made);
    }
    return targets.filter((id) => !fresh.includes(id));
  }

  news(position: { List: string; Sequence: number } | undefined): object {
    const missed = position ? this.sequence - position.Sequence : Infinity;
    const reload = missed > this.#kept;
    const Changes = reload || missed === 0 ? [] : this.changes.slice(-missed);
    return { List: list, Sequence: this.sequence, Reload: reload, Changes };
  }

  page(cursor: string): object {
    const rest = [...this.#inserted].filter(([, at]) => at > Number(cursor));
    const shown = rest.slice(0, this.#pageSize);
    return {
      BlackListItem: shown.map(([id]) => entry(id)),
      Cursor: rest.length > shown.length ? String(shown.at(-1)?.[1]) : '',
      List: list, Sequence: this.sequence,
    };
  }

  /** A client's option webSocket. */
  get webSocket(): new (url: string) => WebSocketLike {
    const model = this;
    return class extends Wire {
      constructor() {
        super(model);
      }
    };
  }
}

/** One connection: frames take their time, in order, and may be the last. */
export class Wire implements WebSocketLike {
  onopen: WebSocketLike['onopen'] = null;
  onmessage: WebSocketLike['onmessage'] = null;
  onclose: WebSocketLike['onclose'] = null;
  onerror: WebSocketLike['onerror'] = null;
  readonly #model: Model;
  #backlog: [method: string, params: object][] = [];
  #dead = false;
  #live = false; // logged in
  #busy: Record<'up' | 'down', number> = { up: 0, down: 0 }; // when the last frame of each way arrives

  constructor(model: Model) {
    this.#model = model;
    this.#after('down', () => this.onopen?.({}));
  }

  send(data: string): void {
    this.#after('up', () => this.#serve(JSON.parse(data) as Frame));
  }

  close(): void {
    this.#die();
  }

  /**
   * Pushes a change, soon; the pages that were asked for may be answered before. Or does as a server that cannot: asks to
   * read anew, cuts off, leaves one out, or tells of another that is old.
   */
  tell(made: Change): void {
    if (!this.#live) return;
    const { chaos, random, changes } = this.#model;
    const luck = chaos ? random() : 1;
    if (luck < 0.03) this.#lose(4001);
    else if (luck < 0.08) this.#backlog.push(['blocklist.reload', { List: list, Sequence: made.Sequence }]);
    else if (luck > 0.13) this.#backlog.push(['blocklist.changed', made]);
    if (luck < 0.2) this.#backlog.push(['blocklist.changed', changes[Math.floor(luck * changes.length)] ?? made]);
    setTimeout(() => this.#flush(), Math.floor(random() * 200));
  }

  #flush(): void {
    for (const [method, params] of this.#backlog.splice(0)) this.#down({ jsonrpc: '2.0', method, params });
  }

  #serve({ id, method, params }: Frame): void {
    const p = params as { Blocklist?: { List: string; Sequence: number }; Cursor?: string; To_Account: string[] };
    const answer = (result: object): void => this.#down({ jsonrpc: '2.0', id, result });
    if (method === 'login') {
      this.#live = true;
      this.#model.wires.add(this);
      answer({ ExpireTime: 0, HeartbeatSeconds: 25, MaxFrame: 131072, Blocklist: this.#model.news(p.Blocklist) });
    } else if (method === 'blocklist.get') answer(this.#model.page(p.Cursor ?? ''));
    else if (method === 'ping' || method === 'logout' || method === 'session.renew') answer({ ExpireTime: 1 });
    else this.#change(method as string, p.To_Account, id as number);
  }

  #change(method: string, targets: string[], id: number): void {
    if (this.#model.chaos && this.#model.random() < 0.05) {
      this.#down({ id, error: { code: 60008, message: 'too slow', data: { Refusal: 4004 } } }); // not carried out, or so
      if (this.#model.random() < 0.5) return;
      this.#model.apply(method, targets);
      return;
    }
    const unchanged = this.#model.apply(method, targets);
    const why = method === 'blocklist.add' ? 'Err_SNS_BlackListAdd_Already_Exist' : 'Err_SNS_BlackListDelete_Not_Exist';
    const ResultItem = targets.map((To_Account) => {
      const failed = unchanged.includes(To_Account);
      return { To_Account, ResultCode: failed ? 30001 : 0, ResultInfo: failed ? why : '' };
    });
    this.#flush();
    this.#down({ jsonrpc: '2.0', id, result: { ResultItem } });
  }

  #down(frame: object): void {
    const data = JSON.stringify(frame);
    this.#after('down', () => this.onmessage?.({ data }));
  }

  /** Lets a frame arrive, unless the connection is lost before. */
  #after(way: 'up' | 'down', arrive: () => void): void {
    if (this.#dead) return;
    const { random, chaos } = this.#model;
    if (chaos && random() < 0.04) {
      this.#lose(random() < 0.3 ? undefined : 1006);
      return;
    }
    this.#busy[way] = Math.max(this.#busy[way], Date.now() + Math.floor(random() * 60));
    setTimeout(() => {
      if (!this.#dead) arrive();
    }, this.#busy[way] - Date.now());
  }

  /** The connection ends, all frames under way with it. Without a code the client has to find out by itself. */
  #lose(code: number | undefined): void {
    this.#die();
    if (code !== undefined) setTimeout(() => this.onclose?.({ code, reason: '' }), Math.floor(this.#model.random() * 100));
  }

  #die(): void {
    this.#dead = true;
    this.#model.wires.delete(this);
  }
}
