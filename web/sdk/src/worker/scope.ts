declare const self: ServiceWorkerGlobalScope;

/** The worker's own global scope. */
export const worker = self;
