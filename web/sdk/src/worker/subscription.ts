import {CHANGED, readSubscriber, register, withKey} from '../shared/subscriber.js';
import {alone} from '../shared/locks.js';
import {sync} from '../shared/site.js';
import {config} from './config.js';
import {worker} from './scope.js';

/** The browser has ended or replaced the subscription: makes a new one, in the place of the old (Push API, `pushsubscriptionchange`). */
export async function renew(): Promise<void> {
  const known = await config();
  if (!known) return;
  const hash = await alone('subscriber', async () => {
    const subscriber = await readSubscriber(known);
    // what was never ours, or is not wanted any more, stays as it is
    if (!subscriber || subscriber.unsubscribed) return undefined;
    const site = await sync(known);
    const subscription = await withKey(worker.registration.pushManager, site.key);
    return (await register(known, site, subscription, subscriber.hash)).hash;
  });
  if (hash === undefined) return;
  for (const client of await worker.clients.matchAll({type: 'window', includeUncontrolled: true})) {
    client.postMessage({type: CHANGED, subscriber_hash: hash});
  }
}
