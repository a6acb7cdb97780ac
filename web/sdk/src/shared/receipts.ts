import {append, oldest, remove} from './database.js';
import {ClarionError} from './errors.js';
import {ask} from './http.js';
import {alone} from './locks.js';

const MOST_RECEIPTS = 200;

/** What became of a notification: the token of its delivery and, of a click on a button, which. */
export interface Receipt {
  kind: 'view' | 'click' | 'close';
  token: string;
  action?: number;
}

/** Keeps a receipt until the server has it. */
export async function keepReceipt(receipt: Receipt): Promise<void> {
  await append('receipts', receipt, MOST_RECEIPTS);
}

/** Sends the receipts that are kept, oldest first. False where some have to wait; never rejects. */
export function sendReceipts(apiHost: string): Promise<boolean> {
  return alone('receipts', async () => {
    for (;;) {
      const first = await oldest<Receipt>('receipts');
      if (!first) return true;
      const {kind, ...body} = first.value;
      try {
        await ask(apiHost, {method: 'POST', path: `notification/${kind}`, body});
      } catch (error) {
        if (!(error instanceof ClarionError) || error.passes) return false;
        console.warn('Clarion: a receipt was refused and is given up.', error.message);
      }
      await remove('receipts', first.place);
    }
  }).catch(() => false);
}
