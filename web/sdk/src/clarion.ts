import {Client} from './page/client.js';
import {isLoaded, takingCommands, type Command, type Global} from './page/loader.js';

type Queue = Command[] | Global | undefined;

const names = ['PushEngage', 'Clarion'] as const;
const globals = window as unknown as Record<(typeof names)[number], Queue>;

if (!names.some((name) => isLoaded(globals[name]))) {
  const script = document.currentScript;
  const origin = script instanceof HTMLScriptElement && script.src ? new URL(script.src).origin : undefined;
  const loaded = takingCommands(new Client(origin));
  const queued = names.flatMap((name) => {
    const queue = globals[name];
    return Array.isArray(queue) ? queue : [];
  });
  // the functions in the queue find the SDK under its names
  for (const name of names) globals[name] = loaded;
  loaded.push(...queued);
}
