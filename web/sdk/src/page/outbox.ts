import {encode} from '../shared/base64url.js';
import {append, keep, oldest, read, remove} from '../shared/database.js';
import {ClarionError, clarionError} from '../shared/errors.js';
import {alone} from '../shared/locks.js';
import {tell} from './notices.js';
import type {Session} from './session.js';
import type {ValidEvent} from './validate.js';

const MOST_EVENTS = 1000;
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 300_000;
const LONGEST_ORDERED_PAUSE = 3_600_000;

/** An event that waits to be sent. */
interface Waiting extends ValidEvent {
  event_id: string;
  timestamp: string;
  /** Whose site; null where it came before init. */
  app_id: string | null;
}

/** Until when nothing is sent, after so many tries in vain. The pages of an origin share it. */
interface Pause {
  until: number;
  tries: number;
  /** Whether the network was at fault, so that its return ends the pause. */
  offline: boolean;
}

/** Keeps events until the server has them: first on disk, then sent one by one in the order in which they came. */
export class Outbox {
  private connected: Session | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly refused = new Map<string, ClarionError>();
  /** Ids of events whose turn has not come: what the page asked before them is still to be done. */
  private readonly early = new Set<string>();

  constructor(private readonly session: Promise<Session>) {}

  /** From now on there is somebody to send to. */
  connect(session: Session): void {
    this.connected = session;
    window.addEventListener('online', () => void this.flush(true));
  }

  /** Resolves when the event is sent, or kept to be sent. Rejects where the server refuses it. */
  async add(event: ValidEvent): Promise<void> {
    const session = this.connected;
    const id = newId();
    const keeping = this.keep({
      ...event,
      event_id: id,
      timestamp: new Date().toISOString(),
      app_id: session?.config.appId ?? null,
    });
    if (!session) return keeping;
    this.early.add(id);
    keeping.catch(() => undefined);
    // one turn, as all methods wait for the session: so what is called first comes first
    await this.session;
    await session.inOrder(async () => {
      this.early.delete(id);
      await keeping;
      await this.sendAlone(session, false);
    });
    const refusal = this.refused.get(id);
    this.refused.delete(id);
    if (refusal) throw refusal;
  }

  /** Sends what can be sent; `online`: the network is back. Never rejects. */
  async flush(online = false): Promise<void> {
    const session = this.connected;
    await session?.inOrder(() => this.sendAlone(session, online));
  }

  private async keep(waiting: Waiting): Promise<void> {
    const dropped = await append('events', waiting, MOST_EVENTS).catch((error: unknown) => {
      throw new ClarionError(`The event could not be kept: ${String(error)}`);
    });
    if (!dropped) return;
    console.warn(`Clarion: more than ${MOST_EVENTS} events wait to be sent, ${dropped} of the oldest are given up.`);
    tell('onEventsDropped', {count: dropped});
  }

  private async sendAlone(session: Session, online: boolean): Promise<void> {
    await alone('events', () => this.send(session, online)).catch((error: unknown) => {
      console.warn('Clarion: events cannot be sent now.', error);
    });
  }

  private async send(session: Session, online: boolean): Promise<void> {
    if (navigator.onLine === false) return;
    const pause = await read<Pause>('pause');
    const left = (pause?.until ?? 0) - Date.now();
    // a clock that was put back must not hold events for ever
    if (pause && left > 0 && left <= LONGEST_ORDERED_PAUSE && !(online && pause.offline)) return this.later(left);
    for (;;) {
      const first = await oldest<Waiting>('events');
      if (!first || this.early.has(first.value.event_id) || !(await session.subscriber())) break;
      const refusal = await this.attempt(session, first.value);
      if (refusal?.passes || refusal?.status === 404) return this.rest(refusal, pause?.tries ?? 0);
      if (refusal) this.refuse(first.value, refusal);
      await remove('events', first.place);
    }
    if (pause) await keep('pause', undefined);
  }

  /** What came in the way, if anything did. */
  private async attempt(session: Session, {app_id, ...event}: Waiting): Promise<ClarionError | undefined> {
    if (app_id !== null && app_id !== session.config.appId) return new ClarionError('It is for another site', [], 400);
    try {
      await session.ask((hash, site) => ({
        method: 'POST',
        path: 'events/track',
        body: {site_id: site.id, device_token_hash: hash, provider: 'PushEngage', event_type: 'custom', ...event},
      }));
      return undefined;
    } catch (error) {
      return clarionError(error);
    }
  }

  private refuse(event: Waiting, refusal: ClarionError): void {
    console.warn(`Clarion: the event "${event.event_name}" was refused and is given up.`, refusal.message, refusal.details);
    this.refused.set(event.event_id, refusal);
    // only who waits for it looks here; nobody does for events of earlier pages
    if (this.refused.size > MOST_EVENTS) this.refused.delete(this.refused.keys().next().value!);
  }

  private async rest(refusal: ClarionError, tries: number): Promise<void> {
    const wait = refusal.retryAfter || Math.min(FIRST_PAUSE * 2 ** tries, LONGEST_PAUSE) * (0.5 + Math.random() / 2);
    await keep('pause', {until: Date.now() + wait, tries: tries + 1, offline: refusal.status === 0} satisfies Pause);
    this.later(wait);
  }

  private later(wait: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), wait);
  }
}

/** Pages without TLS have no randomUUID. */
function newId(): string {
  return crypto.randomUUID ? crypto.randomUUID() : encode(crypto.getRandomValues(new Uint8Array(16)).buffer);
}
