import {ClarionError} from '../shared/errors.js';

/** Which service worker takes the pushes. */
export interface WorkerOptions {
  /** Its script, on the page's own origin. */
  url?: string;
  /** Below which address it works; the browser's rule unless said. */
  scope?: string;
}

/** The worker that the page means; unless it says: the server's own file where the server has the page's origin, else a file of the site's. */
export function workerAt(apiHost: string, {url, scope}: WorkerOptions = {}): WorkerOptions & {url: string} {
  if (url !== undefined) return scope === undefined ? {url} : {url, scope};
  const own = new URL(apiHost).origin === location.origin;
  return {url: own ? `${apiHost}/sdk/service-worker.js` : '/service-worker.js', scope: scope ?? '/'};
}

interface TrustedTypes {
  createPolicy(name: string, rules: {createScriptURL(url: string): string}): {createScriptURL(url: string): string};
}

let policy: {createScriptURL(url: string): string} | undefined;

/** Registers the worker, which changes nothing where it is registered, and waits until it takes pushes. */
export async function activeWorker({url, scope}: WorkerOptions & {url: string}): Promise<ServiceWorkerRegistration> {
  const registration = await navigator.serviceWorker.register(trusted(url), scope === undefined ? {} : {scope});
  await activated(registration);
  return registration;
}

/** Under Trusted Types the script's address has to come from a policy, `clarion`; register() itself sees to the origin. */
function trusted(url: string): string {
  const types = (window as {trustedTypes?: TrustedTypes}).trustedTypes;
  try {
    policy ??= types?.createPolicy('clarion', {createScriptURL: (address) => address});
  } catch {
    // the page allows no such policy: the browser has the last word
  }
  return policy ? policy.createScriptURL(url) : url;
}

function activated(registration: ServiceWorkerRegistration): Promise<void> {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (registration.active || worker?.state === 'activated') resolve();
      else if (!worker || worker.state === 'redundant') reject(new ClarionError('The service worker could not be installed'));
    };
    worker?.addEventListener('statechange', look);
    look();
  });
}
