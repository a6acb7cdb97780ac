/** One problem of a request: `path` leads from the body's root to the field; empty, it is about the whole. */
export interface Detail {
  message: string;
  path: string[];
}

/** What every promise of the SDK rejects with. */
export class ClarionError extends Error {
  override readonly name = 'ClarionError';

  constructor(
    message: string,
    /** Every problem, in the server's order. */
    readonly details: Detail[] = [],
    /** HTTP status; 0 where no server has answered. */
    readonly status = 0,
    /** The envelope's code; 0 where there is none. */
    readonly code = 0,
    /** Milliseconds that the server asked to wait (RFC 9110 §10.2.3); 0 where it did not. */
    readonly retryAfter = 0,
  ) {
    super(message);
  }

  /** Whether the same request may be taken later: no answer, too many requests, or the server's own trouble. */
  get passes(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** Words it as the server does, without asking it. */
export function invalid(details: Detail[]): ClarionError {
  return new ClarionError('Invalid data', details, 400, 1003);
}

/** The same as what every promise of the SDK rejects with: the browser's own errors have no details. */
export function clarionError(error: unknown): ClarionError {
  return error instanceof ClarionError ? error : new ClarionError(error instanceof Error ? error.message : String(error));
}
