import {ClarionError, type Detail} from './errors.js';
import {isMembers} from './values.js';

const PATIENCE = 30_000;
const LONGEST_WAIT = 3_600_000;

export interface Ask {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/p/v1/`. */
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Asks the server and gives `data` of its answer. Rejects with ClarionError. */
export async function ask(apiHost: string, {method, path, query, body, headers}: Ask): Promise<unknown> {
  const url = new URL(`${apiHost}/p/v1/${path}`);
  for (const name in query) url.searchParams.set(name, query[name]!);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE);
  try {
    const response = await fetch(url.href, {
      method,
      headers: body === undefined ? {...headers} : {'Content-Type': 'application/json', ...headers},
      ...(body === undefined ? {} : {body: JSON.stringify(body)}),
      credentials: 'omit',
      // what was sent goes on when the page is left
      keepalive: method !== 'GET',
      signal: abort.signal,
    });
    return read(response, await response.json().catch(() => undefined));
  } catch (error) {
    throw error instanceof ClarionError ? error : new ClarionError(`The server cannot be reached: ${String(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

function read(response: Response, body: unknown): unknown {
  const members = isMembers(body) ? body : undefined;
  if (response.ok && members && !members['error'] && !members['error_code']) return 'data' in members ? members['data'] : members;
  if (response.ok && !members) throw new ClarionError('The server did not answer in JSON');
  const error = members && isMembers(members['error']) ? members['error'] : {};
  const message = error['message'] ?? members?.['error_message'] ?? `The server answered ${response.status}`;
  const code = error['code'] ?? members?.['error_code'];
  const details = Array.isArray(error['details']) ? (error['details'] as Detail[]) : [];
  throw new ClarionError(
    String(message),
    details,
    response.ok ? 400 : response.status,
    Number(code) || 0,
    waiting(response.headers.get('Retry-After')),
  );
}

/** Milliseconds of a Retry-After, which is seconds or a date; one hour at most. */
function waiting(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  const wait = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Math.min(Math.max(wait || 0, 0), LONGEST_WAIT);
}
