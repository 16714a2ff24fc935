/** Every rejection of this SDK, and data of the event ERROR. */
export class KithError extends Error {
  override readonly name = 'KithError';
  /** A number of {@link CODE}, or the server's. */
  readonly code: number;
  /** What the gateway refused with (4000 to 4399), where it was the gateway. */
  readonly refusal: number | undefined;

  constructor(code: number, message: string, refusal?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.refusal = refusal;
  }
}
