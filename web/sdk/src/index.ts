import {Client} from './page/client';

export type {Attributes, Goal, InitOptions, TriggerEvent} from './page/client';
export type {EventsDropped, SubscriptionChange} from './page/notices';
export type {PromptTexts} from './page/prompt';
export type {TrackEvent} from './page/validate';
export type {WorkerOptions} from './page/worker';
export type {Detail} from './shared/errors';
export {ClarionError} from './shared/errors';
export {Client};

/** The SDK of this page; `init` needs `apiHost` here, as no script's address tells it. */
export const clarion = new Client();
