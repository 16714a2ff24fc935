import type { EventData, EventName, Listener } from './types.js';

/** Keeps the listeners. Emitting calls those who listened when it began, in order; one that throws stops nobody. */
export class Emitter {
  #listeners = new Map<EventName, { fn: unknown; once: boolean }[]>();

  add<N extends EventName>(name: N, fn: Listener<N>, once: boolean): void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), { fn, once }]);
  }

  remove<N extends EventName>(name: N, fn: Listener<N>): void {
    const rest = this.#listeners.get(name)?.filter((l) => l.fn !== fn) ?? [];
    this.#listeners.set(name, rest);
  }

  clear(): void {
    this.#listeners.clear();
  }

  emit<N extends EventName>(name: N, data: EventData[N]): void {
    const listeners = this.#listeners.get(name) ?? [];
    this.#listeners.set(name, listeners.filter((l) => !l.once));
    for (const { fn } of listeners) {
      try {
        (fn as Listener<N>)({ name, data });
      } catch (error) {
        console.error(`kith: a listener of ${name} threw`, error);
      }
    }
  }
}
