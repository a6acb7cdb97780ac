/**
 * What outlives a page, shared by all pages and the worker of an origin: `state` by key, and two queues in the order of arrival.
 *
 * Where the browser gives no database (storage is switched off), or no more room for a queue, the page's memory stands in for it.
 */
export type QueueName = 'events' | 'receipts';

/** One entry of a queue with its place. */
export interface Queued<T> {
  place: number;
  value: T;
}

const NAME = 'clarion';
const VERSION = 1;

let opening: Promise<IDBDatabase | undefined> | undefined;
const memory: Record<string, Map<IDBValidKey, unknown>> = {state: new Map(), events: new Map(), receipts: new Map()};
/** Those of the memory are below 0, those of the database above. */
let places = 0;

function open(): Promise<IDBDatabase | undefined> {
  opening ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('state');
      request.result.createObjectStore('events', {autoIncrement: true});
      request.result.createObjectStore('receipts', {autoIncrement: true});
    };
    request.onsuccess = () => {
      const database = request.result;
      const forget = (): void => {
        opening = undefined;
      };
      database.onclose = forget;
      database.onversionchange = () => {
        database.close();
        forget();
      };
      resolve(database);
    };
    request.onerror = () => reject(request.error);
  }).catch((error: unknown) => {
    console.warn('Clarion: the browser keeps nothing here, what waits to be sent ends with the page.', error);
    return undefined;
  });
  return opening;
}

/** One transaction over one store; done when it is committed. */
async function within<T>(store: string, database: IDBDatabase, work: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, 'readwrite');
    const request = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

export async function read<T>(key: string): Promise<T | undefined> {
  const database = await open();
  if (!database) return memory['state']!.get(key) as T | undefined;
  return within('state', database, (rows) => rows.get(key) as IDBRequest<T | undefined>);
}

/** Keeps a value; undefined takes it away. */
export async function keep(key: string, value: unknown): Promise<void> {
  const database = await open();
  if (!database) memory['state']!.set(key, value);
  else if (value === undefined) await within('state', database, (rows) => rows.delete(key));
  else await within('state', database, (rows) => rows.put(value, key));
}

/** Adds at the end; where there are `most` already, the oldest goes. Gives how many went. */
export async function append(queue: QueueName, value: unknown, most: number): Promise<number> {
  const database = await open();
  if (!database) return remember(queue, value, most);
  try {
    return await appendTo(queue, database, value, most);
  } catch (error) {
    console.warn('Clarion: the browser has no room here, this one ends with the page.', error);
    return remember(queue, value, most);
  }
}

function remember(queue: QueueName, value: unknown, most: number): number {
  const rows = memory[queue]!;
  let dropped = 0;
  rows.set(--places, value);
  for (const place of rows.keys()) {
    if (rows.size <= most) break;
    rows.delete(place);
    dropped++;
  }
  return dropped;
}

async function appendTo(queue: QueueName, database: IDBDatabase, value: unknown, most: number): Promise<number> {
  let dropped = 0;
  await within(queue, database, (rows) => {
    const counting = rows.count();
    counting.onsuccess = () => {
      let surplus = counting.result - most + 1;
      if (surplus > 0) {
        const cursors = rows.openKeyCursor();
        cursors.onsuccess = () => {
          const cursor = cursors.result;
          if (!cursor || surplus-- <= 0) return;
          rows.delete(cursor.primaryKey);
          dropped++;
          cursor.continue();
        };
      }
      rows.add(value);
    };
    return counting;
  });
  return dropped;
}

export async function oldest<T>(queue: QueueName): Promise<Queued<T> | undefined> {
  const database = await open();
  const cursor = database && (await within(queue, database, (rows) => rows.openCursor()));
  if (cursor) return {place: cursor.primaryKey as number, value: cursor.value as T};
  const [first] = memory[queue]!;
  return first && {place: first[0] as number, value: first[1] as T};
}

export async function remove(queue: QueueName, place: number): Promise<void> {
  if (place < 0) {
    memory[queue]!.delete(place);
    return;
  }
  const database = await open();
  if (database) await within(queue, database, (rows) => rows.delete(place));
}
