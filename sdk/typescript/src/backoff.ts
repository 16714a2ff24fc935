const BASE = 500;
const CAP = 30_000;

/**
 * The pause before an attempt in milliseconds, with full jitter: anything between none and 500 ms, 1 s, 2 s, 4 s, and so on
 * up to 30 s. The first attempt has the number 0; random is from 0 up to, but not including, 1.
 */
export function backoff(attempt: number, random: number): number {
  return Math.floor(random * Math.min(CAP, BASE * 2 ** Math.min(attempt, 16)));
}
