import {keepReceipt, sendReceipts, type Receipt} from '../shared/receipts.js';
import {config} from './config.js';
import {worker} from './scope.js';

/** The background sync that sends what had to wait, where the browser has such. */
export const SYNC_TAG = 'clarion-receipts';

/** Keeps a receipt, and sends it as soon as that is possible: now, at a sync, with the next receipt, or from a page. */
export async function report(receipt: Receipt): Promise<void> {
  await keepReceipt(receipt);
  await sendKept();
}

export async function sendKept(): Promise<void> {
  const known = await config();
  if (known && (await sendReceipts(known.apiHost))) return;
  const {sync} = worker.registration as {sync?: {register(tag: string): Promise<void>}};
  await sync?.register(SYNC_TAG).catch(() => undefined);
}
