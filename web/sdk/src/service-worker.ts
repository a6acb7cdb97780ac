import {isClicked, noteClick, open} from './worker/click.js';
import {readPush, shown} from './worker/notification.js';
import {report, sendKept, SYNC_TAG} from './worker/reporting.js';
import {worker} from './worker/scope.js';
import {renew} from './worker/subscription.js';

// Listeners are added beside the site's own, which stay in charge of everything else: no fetch, no install, no stopping of events.
const LOADED = Symbol.for('clarion.service-worker');

function start(): void {
  worker.addEventListener('push', (event) => {
    const push = readPush(payload(event), worker.location.href);
    if (!push) return;
    const {title, token, options} = push;
    event.waitUntil(worker.registration.showNotification(title, options).then(() => report({kind: 'view', token})));
  });

  worker.addEventListener('notificationclick', (event) => {
    const ours = shown(event.notification);
    if (!ours) return;
    event.notification.close();
    const {token, url, actions} = ours;
    noteClick(token);
    const receipt = event.action === '' ? {token} : {token, action: Number(event.action)};
    const address = event.action === '' ? url : actions[Number(event.action)];
    event.waitUntil(Promise.all([open(address), report({kind: 'click', ...receipt})]));
  });

  worker.addEventListener('notificationclose', (event) => {
    const ours = shown(event.notification);
    if (ours && !isClicked(ours.token)) event.waitUntil(report({kind: 'close', token: ours.token}));
  });

  worker.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(renew()));

  // background sync is of some browsers only, and in no TypeScript library
  worker.addEventListener('sync' as 'message', (event) => {
    if ((event as ExtendableEvent as ExtendableEvent & {tag: string}).tag === SYNC_TAG) event.waitUntil(sendKept());
  });
}

function payload(event: PushEvent): unknown {
  try {
    return event.data?.json();
  } catch {
    return undefined;
  }
}

if (!(LOADED in worker)) {
  Object.defineProperty(worker, LOADED, {value: true});
  start();
}
