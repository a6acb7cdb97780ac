import {webAddress} from '../shared/values.js';
import {worker} from './scope.js';

const MOST_CLICKED = 100;

/** Tokens of the notifications that were clicked while this worker runs. */
const clicked = new Set<string>();

export function noteClick(token: string): void {
  clicked.add(token);
  if (clicked.size > MOST_CLICKED) clicked.delete(clicked.values().next().value!);
}

/** Whether a notification that closes does so for it was clicked: Firefox tells of that too, right after the click. */
export function isClicked(token: string): boolean {
  return clicked.has(token);
}

/** Brings the address before the person: the tab that shows it, else a new one. */
export async function open(address: string | null | undefined): Promise<void> {
  const url = webAddress(address, worker.location.href);
  if (url === undefined) return;
  const windows = await worker.clients.matchAll({type: 'window', includeUncontrolled: true});
  const showing = windows.find((client) => client.url === url);
  const focused = await showing?.focus().catch(() => undefined);
  if (!focused) await worker.clients.openWindow(url);
}
