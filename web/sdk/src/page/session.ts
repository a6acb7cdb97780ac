import {ClarionError, clarionError} from '../shared/errors.js';
import {ask, type Ask} from '../shared/http.js';
import {alone} from '../shared/locks.js';
import {keepConfig, sync, type Config, type Site} from '../shared/site.js';
import {CHANGED, hasKey, keepSubscriber, readSubscriber, register, withKey, type Identity, type Subscriber} from '../shared/subscriber.js';
import {isMembers} from '../shared/values.js';
import {tell} from './notices.js';
import {activeWorker, type WorkerOptions} from './worker.js';

/** Whether this browser can have a subscription at all. */
export function canSubscribe(): boolean {
  return 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;
}

/** One page's connection with its site: who it is there, what it asks, and that one thing happens after the other. */
export class Session {
  /** Who the person is, as far as this page has said; no longer than the page, as the signature opens the profile. */
  identity: Identity | undefined;

  private known: Promise<Site> | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly config: Config,
    private readonly worker: WorkerOptions & {url: string},
  ) {}

  /** Does what is asked of a session in the order in which it was asked. */
  inOrder<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task).catch((error: unknown) => {
      throw clarionError(error);
    });
    this.last = result.catch(() => undefined);
    return result;
  }

  /** The site; asked for again where that failed. */
  site(): Promise<Site> {
    this.known ??= sync(this.config);
    const known = this.known;
    known.catch(() => {
      if (this.known === known) this.known = undefined;
    });
    return known;
  }

  /** Tells the page from now on when the worker has made a new subscription. */
  hearWorker(): void {
    navigator.serviceWorker?.addEventListener('message', ({data}: MessageEvent<unknown>) => {
      if (isMembers(data) && data['type'] === CHANGED) this.changed(String(data['subscriber_hash']), true);
    });
  }

  async open(): Promise<void> {
    await keepConfig(this.config);
    await this.site();
  }

  subscriber(): Promise<Subscriber | undefined> {
    return readSubscriber(this.config);
  }

  /** Subscribes this browser; the permission is there. */
  subscribe(): Promise<string> {
    return alone('subscriber', async () => {
      const site = await this.site();
      const {pushManager} = await activeWorker(this.worker);
      const before = await this.subscriber();
      const subscription = await withKey(pushManager, site.key);
      const after = await this.register(site, subscription, before?.hash);
      if (before?.unsubscribed) await this.status(after.hash, false);
      this.changed(after.hash, true);
      return after.hash;
    });
  }

  /** Ends the subscription here first. A server that cannot be told now is told when the next page opens. */
  unsubscribe(): Promise<void> {
    return alone('subscriber', async () => {
      const subscriber = await this.subscriber();
      if (!subscriber || subscriber.unsubscribed) return;
      const {pushManager} = await activeWorker(this.worker);
      await (await pushManager.getSubscription())?.unsubscribe();
      const after = {...subscriber, unsubscribed: true};
      await keepSubscriber(this.config, {...after, untold: true});
      this.changed(subscriber.hash, false);
      await this.status(subscriber.hash, true);
      await keepSubscriber(this.config, after);
    });
  }

  /** Tells the server of an unsubscribe that it could not be told of. */
  async tellUnsubscribed(): Promise<void> {
    await alone('subscriber', async () => {
      const kept = await this.subscriber();
      if (!kept?.untold) return;
      const {untold, ...subscriber} = kept;
      await this.status(subscriber.hash, true).catch((error: unknown) => {
        // what no later try makes better is over: the server does not know the subscriber, say
        if (clarionError(error).passes) throw error;
      });
      await keepSubscriber(this.config, subscriber);
    });
  }

  /** Subscribes again, unasked, where a subscription that was ours has vanished or has a key that is the site's no more. */
  async repair(): Promise<void> {
    if (!canSubscribe() || Notification.permission !== 'granted') return;
    await alone('subscriber', async () => {
      const subscriber = await this.subscriber();
      if (!subscriber || subscriber.unsubscribed) return;
      const site = await this.site();
      const {pushManager} = await activeWorker(this.worker);
      const present = await pushManager.getSubscription();
      if (present && hasKey(present, site.key) && present.endpoint === subscriber.endpoint) return;
      const subscription = await withKey(pushManager, site.key);
      const {hash} = await this.register(site, subscription, subscriber.hash);
      this.changed(hash, true);
    });
  }

  /** Asks something about the subscriber. A server that does not know it gets it registered again, and is asked once more. */
  async ask(words: (hash: string, site: Site) => Ask): Promise<unknown> {
    const site = await this.site();
    const subscriber = await this.subscriber();
    if (!subscriber) throw new ClarionError('This browser is not subscribed yet');
    try {
      return await ask(this.config.apiHost, words(subscriber.hash, site));
    } catch (error) {
      if (!(error instanceof ClarionError) || error.status !== 404) throw error;
      const hash = await this.registerAgain(site, subscriber);
      if (hash === undefined) throw error;
      return ask(this.config.apiHost, words(hash, site));
    }
  }

  private registerAgain(site: Site, unknown: Subscriber): Promise<string | undefined> {
    return alone('subscriber', async () => {
      const now = await this.subscriber();
      // another page was faster
      if (now && now.hash !== unknown.hash) return now.hash;
      const {pushManager} = canSubscribe() ? await activeWorker(this.worker) : {pushManager: undefined};
      const subscription = await pushManager?.getSubscription();
      if (subscription && hasKey(subscription, site.key)) {
        const {hash} = await this.register(site, subscription);
        this.changed(hash, true);
        return hash;
      }
      await keepSubscriber(this.config, undefined);
      this.changed(null, false);
      return undefined;
    });
  }

  private async register(site: Site, subscription: PushSubscription, previous?: string): Promise<Subscriber> {
    try {
      return await register(this.config, site, subscription, previous, this.identity);
    } catch (error) {
      // not who the person is, then: without it the next try is taken
      if (clarionError(error).status === 403) this.identity = undefined;
      throw error;
    }
  }

  private async status(hash: string, unsubscribed: boolean): Promise<void> {
    const {id} = await this.site();
    const body = {site_id: id, device_token_hash: hash, IsUnSubscribed: unsubscribed ? 1 : 0};
    await ask(this.config.apiHost, {method: 'POST', path: 'updatesubscriberstatus', body});
  }

  private changed(hash: string | null, subscribed: boolean): void {
    tell('onSubscriptionChange', {subscribed, subscriber_hash: hash});
  }
}
