// Send one event to Clarion with fetch (Node.js 18 or newer).
//
//   CLARION_URL=http://127.0.0.1:8080 CLARION_API_KEY=clk_… node track.mjs user-1

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const TRIES = 4;
const { CLARION_URL, CLARION_API_KEY } = process.env;

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (!CLARION_URL) fail('Set CLARION_URL to where Clarion runs, for example http://127.0.0.1:8080');
if (!CLARION_API_KEY) fail('Set CLARION_API_KEY to an API key with the scope events');

const body = JSON.stringify({
  event_name: 'add_to_cart',
  profile_id: process.argv[2] ?? 'user-1',
  // Chosen once, before the first try: however often the event is sent below, it stays one event.
  event_id: randomUUID(),
  data: { product_name: 'Running Shoes', price: 99.99 },
});

/** One try. Status 0: there was no answer. */
async function post() {
  try {
    const response = await fetch(`${CLARION_URL}/api/v1/events`, {
      method: 'POST',
      headers: { 'Api-Key': CLARION_API_KEY, 'Content-Type': 'application/json' },
      body,
      signal: AbortSignal.timeout(30_000),
    });
    return { status: response.status, answer: await response.text(), retryAfter: response.headers.get('retry-after') };
  } catch (error) {
    return { status: 0, answer: String(error.cause ?? error), retryAfter: null };
  }
}

for (let attempt = 1; ; attempt++) {
  const { status, answer, retryAfter } = await post();
  if (status === 200) {
    console.log(answer);
    break;
  }
  // No answer, "too many requests" and "not now" pass; anything else would fail in the same way again.
  if (attempt === TRIES || ![0, 429, 503].includes(status)) {
    fail(status === 0 ? `Clarion cannot be reached: ${answer}` : `Clarion answered ${status}: ${answer}`);
  }
  const seconds = /^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) : 2 ** (attempt - 1);
  await sleep(Math.min(seconds, 60) * 1000);
}
