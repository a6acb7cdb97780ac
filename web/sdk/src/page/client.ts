import {ClarionError, invalid, type Detail} from '../shared/errors';
import type {Ask} from '../shared/http';
import {sendReceipts} from '../shared/receipts';
import {isMembers, type Members} from '../shared/values';
import {listen, type EventsDropped, type SubscriptionChange} from './notices';
import {Outbox} from './outbox';
import {askFirst, type PromptTexts} from './prompt';
import {canSubscribe, Session} from './session';
import {readEvent, textProblem, type TrackEvent} from './validate';
import {workerAt, type WorkerOptions} from './worker';

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
  private opened: Promise<void> | undefined;
  /** There is one dialog at a time. */
  private prompted: Promise<string | null> | undefined;
  private start!: (session: Session) => void;
  private readonly session = new Promise<Session>((resolve) => {
    this.start = resolve;
  });
  private readonly outbox = new Outbox(this.session);

  constructor(private readonly scriptHost?: string) {}

  /** Connects with the site. Said again with the same `appId`, it is the same. */
  init(options: InitOptions): Promise<void> {
    if (this.opened && this.options?.appId === options.appId) return this.opened;
    if (this.opened) return Promise.reject(new ClarionError('init was called before, for another app'));
    const host = options.apiHost ?? this.scriptHost;
    const problem = textProblem('appId', options.appId, LONGEST_TEXT);
    if (problem !== undefined) return Promise.reject(invalid([{message: problem, path: ['appId']}]));
    if (!host || !/^https?:\/\//.test(host)) return Promise.reject(invalid([{message: 'apiHost is required', path: ['apiHost']}]));
    this.options = options;
    const apiHost = host.replace(/\/+$/, '');
    const session = new Session({apiHost, appId: options.appId}, workerAt(apiHost, options.serviceWorker));
    this.outbox.connect(session);
    this.opened = session.inOrder(async () => {
      await session.open();
      if (options.autoResubscribe !== false) {
        await session.repair().catch((error: unknown) => console.warn('Clarion: this browser could not be subscribed again.', error));
      }
    });
    // what waits goes out also where the caller looks at this promise only later
    void this.opened
      .catch(() => undefined)
      .then(() => Promise.all([this.outbox.flush(), sendReceipts(apiHost)]));
    this.start(session);
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
    const permission = await Notification.requestPermission();
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
  async identify(id: string, signature?: string): Promise<void> {
    check('profile_id', id);
    const session = await this.session;
    await session.inOrder(async () => {
      session.identity = {id, ...(signature !== undefined && {signature})};
      if (!(await session.subscriber())) return;
      await session.ask((hash, site) => post('subscriber/profile-id/add', site.id, hash, {profile_id: id, signature}));
    });
  }

  addProfileId(id: string, signature?: string): Promise<void> {
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
    const subscriber = await session.subscriber();
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
