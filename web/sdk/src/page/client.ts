import {ClarionError, clarionError, invalid, type Detail} from '../shared/errors.js';
import type {Ask} from '../shared/http.js';
import {sendReceipts} from '../shared/receipts.js';
import {isMembers, type Members} from '../shared/values.js';
import {listen, type EventsDropped, type SubscriptionChange} from './notices.js';
import {Outbox} from './outbox.js';
import {askFirst, type PromptTexts} from './prompt.js';
import {canSubscribe, Session} from './session.js';
import {readEvent, textProblem, type TrackEvent} from './validate.js';
import {workerAt, type WorkerOptions} from './worker.js';

export interface InitOptions {
  appId: string;
  /** The Clarion server's origin; that of the script unless said. */
  apiHost?: string;
  serviceWorker?: WorkerOptions;
  /** Whether to subscribe again, unasked, when the site's key has changed or the subscription has vanished. */
  autoResubscribe?: boolean;
  prompt?: PromptTexts;
}

export type Attributes = Record<string, string | number | boolean>;

export interface Goal {
  name: string;
  count?: number;
  value?: number;
}

export interface TriggerEvent {
  campaign_name: string;
  event_name: string;
  [name: string]: unknown;
}

const LONGEST_TEXT = 255;

/** The SDK's methods. All of them may be called before `init`; they wait for it. */
export class Client {
  private options: InitOptions | undefined;
  /** What init was said for; there is one in a page's life. */
  private connected: Session | undefined;
  /** Connecting, or done; undefined where it failed, so that it can be said again. */
  private opened: Promise<void> | undefined;
  /** There is one dialog at a time. */
  private prompted: Promise<string | null> | undefined;
  private start!: (session: Session) => void;
  private readonly session = new Promise<Session>((resolve) => {
    this.start = resolve;
  });
  private readonly outbox = new Outbox(this.session);

  constructor(private readonly scriptHost?: string) {}

  /** Connects with the site. Said again with the same `appId`, it is the same, or the next try where the first one failed. */
  init(options: InitOptions): Promise<void> {
    let session: Session;
    try {
      session = this.connect(object('options', options) as unknown as InitOptions);
    } catch (error) {
      return Promise.reject(clarionError(error));
    }
    this.opened ??= this.open(session);
    return this.opened;
  }

  trackEvent(event: TrackEvent): Promise<void>;
  trackEvent(name: string, data?: TrackEvent['data']): Promise<void>;
  async trackEvent(event: TrackEvent | string, data?: TrackEvent['data']): Promise<void> {
    await this.outbox.add(readEvent(isMembers(event) ? event : {event_name: event, data}));
  }

  /** The server's name for this browser, or null before it has subscribed. */
  async getSubscriberId(): Promise<string | null> {
    const session = await this.session;
    return session.inOrder(async () => (await session.subscriber())?.hash ?? null);
  }

  /** What the server knows of this browser; `fields` are names of facts. */
  getSubscriber(fields: string[] = []): Promise<unknown> {
    return this.ask((hash, site, headers) => ({
      method: 'GET',
      path: `subscriber/${encodeURIComponent(hash)}`,
      query: {site_id: String(site), ...(fields.length && {fields: fields.join(',')})},
      headers,
    }));
  }

  /** Subscribes, asking the person where the browser has not; has to be called within a click or a key. Gives the subscriber's id. */
  async subscribe(): Promise<string> {
    if (!canSubscribe()) throw new ClarionError('This browser cannot receive pushes');
    // before anything is waited for: the browser asks within a click only
    const permission = await Notification.requestPermission().catch((error: unknown) => {
      throw clarionError(error);
    });
    if (permission !== 'granted') {
      throw new ClarionError('Notifications are not allowed', [{message: `The permission is ${permission}`, path: []}]);
    }
    const session = await this.session;
    const hash = await session.inOrder(() => session.subscribe());
    void this.outbox.flush();
    return hash;
  }

  async unsubscribe(): Promise<void> {
    const session = await this.session;
    await session.inOrder(() => session.unsubscribe());
  }

  /** Says who the person is; `signature` is made by the site's server. Before there is a subscriber it is kept for it. */
  async identify(id: string, signature?: string | null): Promise<void> {
    check('profile_id', id);
    if (signature) check('signature', signature);
    const identity = {id, ...(signature && {signature})};
    const session = await this.session;
    await session.inOrder(async () => {
      if (await session.subscriber()) {
        await session.ask((hash, site) => post('subscriber/profile-id/add', site.id, hash, {profile_id: id, signature: identity.signature}));
      }
      session.identity = identity;
    });
  }

  addProfileId(id: string, signature?: string | null): Promise<void> {
    return this.identify(id, signature);
  }

  /** The next person at this browser is somebody else. */
  async logout(): Promise<void> {
    const session = await this.session;
    await session.inOrder(async () => {
      session.identity = undefined;
      if (await session.subscriber()) await session.ask((hash, site) => post('subscriber/logout', site.id, hash, {}));
    });
  }

  async addSegment(segment: string | string[]): Promise<void> {
    await this.tell('subscriber/segments/add', {segment: names('segment', segment)});
  }

  async removeSegment(segment: string | string[]): Promise<void> {
    await this.tell('subscriber/segments/remove', {segment: names('segment', segment)});
  }

  /** The person's attributes; of a named profile with the signature that `identify` was given. */
  getAttributes(): Promise<unknown> {
    return this.attributes('GET');
  }

  async addAttributes(attributes: Attributes): Promise<void> {
    await this.attributes('PUT', object('attributes', attributes));
  }

  /** Replaces all of them. */
  async setAttributes(attributes: Attributes): Promise<void> {
    await this.attributes('POST', object('attributes', attributes));
  }

  async deleteAttributes(attributes: string | string[]): Promise<void> {
    await this.attributes('DELETE', names('attributes', attributes));
  }

  async sendGoal(goal: Goal): Promise<void> {
    check('name', object('goal', goal)['name']);
    await this.tell('goals', goal);
  }

  async sendTriggerEvent(trigger: TriggerEvent): Promise<unknown> {
    const {campaign_name, event_name} = object('trigger', trigger);
    check('campaign_name', campaign_name);
    check('event_name', event_name);
    return this.ask((hash, site) => ({...post('trigger', site, hash, trigger), method: 'PUT'}));
  }

  /** Asks in the page first, and subscribes within the click. Gives the subscriber's id, or null where the person declines. */
  async showPrompt(texts: PromptTexts = {}): Promise<string | null> {
    const session = await this.session;
    if (!canSubscribe()) throw new ClarionError('This browser cannot receive pushes');
    const subscriber = await session.subscriber().catch((error: unknown) => {
      throw clarionError(error);
    });
    await untilBody();
    if (Notification.permission === 'granted' && subscriber && !subscriber.unsubscribed) return subscriber.hash;
    if (Notification.permission === 'denied') return null;
    this.prompted ??= askFirst({...this.options?.prompt, ...texts}, () => this.subscribe()).finally(() => {
      this.prompted = undefined;
    });
    return this.prompted;
  }

  onSubscriptionChange(listener: (change: SubscriptionChange) => void): () => void {
    return listen('onSubscriptionChange', listener);
  }

  onEventsDropped(listener: (dropped: EventsDropped) => void): () => void {
    return listen('onEventsDropped', listener);
  }

  private connect(options: InitOptions): Session {
    check('appId', options.appId);
    if (this.connected?.config.appId === options.appId) return this.connected;
    if (this.connected) throw new ClarionError('init was called before, for another app');
    if (typeof window === 'undefined') throw new ClarionError('There is no page here: init belongs into a browser');
    const apiHost = (options.apiHost ?? this.scriptHost ?? '').replace(/\/+$/, '');
    if (!isHost(apiHost)) throw invalid([{message: 'apiHost must be the http or https address of the server', path: ['apiHost']}]);
    const session = new Session({apiHost, appId: options.appId}, workerAt(apiHost, options.serviceWorker));
    this.options = options;
    this.connected = session;
    this.outbox.connect(session);
    session.hearWorker();
    this.start(session);
    return session;
  }

  private open(session: Session): Promise<void> {
    const opened = session.inOrder(async () => {
      await session.open();
      await session.tellUnsubscribed().catch((error: unknown) => console.warn('Clarion: the server does not know yet of the unsubscribe.', error));
      if (this.options?.autoResubscribe === false) return;
      await session.repair().catch((error: unknown) => console.warn('Clarion: this browser could not be subscribed again.', error));
    });
    // what waits goes out also where the caller looks at this promise only later
    void opened
      .catch(() => {
        this.opened = undefined;
      })
      .then(() => Promise.all([this.outbox.flush(), sendReceipts(session.config.apiHost)]));
    return opened;
  }

  private async ask(words: (hash: string, site: number, headers: Record<string, string>) => Ask): Promise<unknown> {
    const session = await this.session;
    return session.inOrder(() => {
      const signature = session.identity?.signature;
      return session.ask((hash, {id}) => words(hash, id, signature ? {'X-Profile-Signature': signature} : {}));
    });
  }

  private tell(path: string, body: object): Promise<unknown> {
    return this.ask((hash, site) => post(path, site, hash, body));
  }

  private attributes(method: Ask['method'], body?: unknown): Promise<unknown> {
    return this.ask((hash, site, headers) => ({
      method,
      path: `subscriber/${encodeURIComponent(hash)}/attributes`,
      query: {site_id: String(site)},
      body,
      headers,
    }));
  }
}

/** Until there is a body to show something in. */
async function untilBody(): Promise<void> {
  if (!document.body) await new Promise((resolve) => document.addEventListener('DOMContentLoaded', resolve, {once: true}));
}

function isHost(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}

function post(path: string, site: number, hash: string, body: object): Ask {
  return {method: 'POST', path, body: {...body, site_id: site, device_token_hash: hash}};
}

function refuse(...details: (Detail | undefined)[]): void {
  const found = details.filter((detail): detail is Detail => detail !== undefined);
  if (found.length) throw invalid(found);
}

function check(label: string, value: unknown): void {
  const message = textProblem(label, value, LONGEST_TEXT);
  refuse(message === undefined ? undefined : {message, path: [label]});
}

function names(label: string, given: string | string[]): string[] {
  const list = Array.isArray(given) ? given : [given];
  if (!list.length) throw invalid([{message: `${label} must not be empty`, path: [label]}]);
  for (const name of list) check(label, name);
  return list;
}

function object(label: string, given: unknown): Members {
  if (!isMembers(given)) throw invalid([{message: `${label} must be an object`, path: [label]}]);
  return given;
}
