/** Whether this browser is subscribed now, and as whom. */
export interface SubscriptionChange {
  subscribed: boolean;
  subscriber_hash: string | null;
}

/** Events that were given up, because there were too many. */
export interface EventsDropped {
  count: number;
}

export interface Notices {
  onSubscriptionChange: SubscriptionChange;
  onEventsDropped: EventsDropped;
}

/** Tells the page, as an event `PushEngage.…` on the window. */
export function tell<N extends keyof Notices>(name: N, detail: Notices[N]): void {
  window.dispatchEvent(new CustomEvent(`PushEngage.${name}`, {detail}));
}

/** Calls `listener` from now on; what it gives back ends that. */
export function listen<N extends keyof Notices>(name: N, listener: (detail: Notices[N]) => void): () => void {
  const heard = (event: Event): void => listener((event as CustomEvent<Notices[N]>).detail);
  window.addEventListener(`PushEngage.${name}`, heard);
  return () => window.removeEventListener(`PushEngage.${name}`, heard);
}
