import {Client} from './page/client.js';

export type {Attributes, Goal, InitOptions, TriggerEvent} from './page/client.js';
export type {EventsDropped, SubscriptionChange} from './page/notices.js';
export type {PromptTexts} from './page/prompt.js';
export type {TrackEvent} from './page/validate.js';
export type {WorkerOptions} from './page/worker.js';
export type {Detail} from './shared/errors.js';
export {ClarionError} from './shared/errors.js';
export {Client};

/** The SDK of this page; `init` needs `apiHost` here, as no script's address tells it. */
export const clarion = new Client();
