import type {Client} from './client.js';

const METHODS = [
  'init', 'trackEvent', 'getSubscriberId', 'getSubscriber', 'subscribe', 'unsubscribe', 'addProfileId', 'identify', 'logout', 'addSegment',
  'removeSegment', 'addAttributes', 'setAttributes', 'getAttributes', 'deleteAttributes', 'sendGoal', 'sendTriggerEvent', 'showPrompt',
  'onSubscriptionChange', 'onEventsDropped',
] as const satisfies readonly (keyof Client)[];

/** `['trackEvent', 'name', {…}]`: a method and what it is given; or a function to call when the SDK is there. */
export type Command = readonly [method: (typeof METHODS)[number], ...given: unknown[]] | (() => unknown);

/** The SDK under its global names: the methods, and the queue's `push`. */
export type Global = Client & {push(...commands: Command[]): void};

/** Whether a global name holds the SDK already: a page may load the script twice. */
export function isLoaded(value: unknown): value is Global {
  return typeof value === 'object' && value !== null && 'trackEvent' in value;
}

/** The client with the queue's `push`. A command that fails is told on the console: who queued it waits for nothing. */
export function takingCommands(client: Client): Global {
  return Object.assign(client, {
    push(...commands: Command[]): void {
      for (const command of commands) void run(client, command);
    },
  });
}

async function run(client: Client, command: Command): Promise<void> {
  try {
    if (typeof command === 'function') return void (await command());
    const [name, ...given] = command;
    if (!METHODS.includes(name)) throw new TypeError(`there is no method "${String(name)}"`);
    await (client[name] as (...given: unknown[]) => unknown).apply(client, given);
  } catch (error) {
    console.warn('Clarion: a command of the page failed.', error);
  }
}
