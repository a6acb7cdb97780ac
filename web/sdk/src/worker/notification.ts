import {isMembers, text, webAddress} from '../shared/values.js';

/** What goes with a notification that is shown, for its click. */
export interface Shown {
  clarion: {token: string; url?: string; actions: (string | null)[]};
}

/** A push that can be shown. */
export interface Push {
  title: string;
  token: string;
  options: NotificationOptions;
}

/** Reads a push's payload. Nothing where it is not Clarion's: another's pushes are another's to show. */
export function readPush(payload: unknown, base: string): Push | undefined {
  if (!isMembers(payload)) return undefined;
  const id = text(payload['id']);
  const title = text(payload['title']);
  const token = text(payload['token']);
  if (id === undefined || title === undefined || token === undefined) return undefined;
  const buttons = (Array.isArray(payload['actions']) ? payload['actions'] : [])
    .map((action: unknown) => (isMembers(action) ? {title: text(action['title']), url: webAddress(action['url'], base)} : {}))
    .filter((action): action is {title: string; url: string | undefined} => action.title !== undefined);
  const url = webAddress(payload['url'], base);
  const shown: Shown = {clarion: {token, ...(url && {url}), actions: buttons.map((button) => button.url ?? null)}};
  const options = {
    body: text(payload['message']) ?? '',
    tag: text(payload['tag']) ?? id,
    requireInteraction: payload['require_interaction'] === true,
    data: shown,
    actions: buttons.map(({title}, index) => ({action: String(index), title})),
    ...pictures(payload, base),
  };
  return {title, token, options};
}

function pictures(payload: Record<string, unknown>, base: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ['icon', 'image', 'badge']) {
    const address = webAddress(payload[name], base);
    if (address !== undefined) found[name] = address;
  }
  return found;
}

/** What a notification carries, where it is one of ours. */
export function shown(notification: Notification): Shown['clarion'] | undefined {
  const data: unknown = notification.data;
  return isMembers(data) && isMembers(data['clarion']) ? (data as unknown as Shown).clarion : undefined;
}
