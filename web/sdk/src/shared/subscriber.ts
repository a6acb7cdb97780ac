import {encode, decode} from './base64url.js';
import {keep, read} from './database.js';
import {ClarionError} from './errors.js';
import {facts} from './facts.js';
import {ask} from './http.js';
import type {Config, Site} from './site.js';
import {isMembers, text} from './values.js';

/** What this browser is to the site. */
export interface Subscriber {
  /** The server's name for it. */
  hash: string;
  /** Of the subscription that the server has. */
  endpoint: string;
  /** The person does not want pushes any more. */
  unsubscribed?: boolean;
  /** The server could not be told of that yet. */
  untold?: boolean;
}

/** Who the person is, as far as the page has said. */
export interface Identity {
  id: string;
  signature?: string;
}

/** The type of the message by which the worker tells the pages that it has made a new subscription. */
export const CHANGED = 'clarion-subscription';

export function readSubscriber({appId}: Config): Promise<Subscriber | undefined> {
  return read<Subscriber>(`subscriber ${appId}`);
}

export function keepSubscriber({appId}: Config, subscriber: Subscriber | undefined): Promise<void> {
  return keep(`subscriber ${appId}`, subscriber);
}

/** Makes the subscription one with this key; a subscription with another key ends, as there can be one only. */
export async function withKey(manager: PushManager, key: string): Promise<PushSubscription> {
  const present = await manager.getSubscription();
  if (present && hasKey(present, key)) return present;
  await present?.unsubscribe();
  return manager.subscribe({userVisibleOnly: true, applicationServerKey: decode(key)});
}

export function hasKey(subscription: PushSubscription, key: string): boolean {
  const used = subscription.options.applicationServerKey;
  return !used || encode(used) === key.replace(/=+$/, '');
}

/** Tells the server of a subscription, and keeps the hash that it gives. With `previous` that one stays. */
export async function register(
  config: Config,
  site: Site,
  subscription: PushSubscription,
  previous?: string,
  identity?: Identity,
): Promise<Subscriber> {
  const data = await ask(config.apiHost, {
    method: 'POST',
    path: 'subscriber/add',
    body: {
      site_id: site.id,
      app_id: config.appId,
      subscription: subscription.toJSON(),
      vapid_public_key: site.key,
      ...facts(),
      ...(previous && {previous}),
      ...(identity && {profile_id: identity.id, signature: identity.signature}),
    },
  });
  const hash = isMembers(data) && text(data['subscriber_hash']);
  if (!hash) throw new ClarionError('The server named no subscriber');
  const subscriber: Subscriber = {hash, endpoint: subscription.endpoint};
  await keepSubscriber(config, subscriber);
  return subscriber;
}
