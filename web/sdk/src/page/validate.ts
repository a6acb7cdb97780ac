import {invalid, type Detail} from '../shared/errors.js';
import {isMembers, type Members} from '../shared/values.js';

const NAME_CHARACTERS = 64;
const IDENTITY_CHARACTERS = 255;
const DATA_BYTES = 4096;
const KEY_CHARACTERS = 255;
const MOST_DETAILS = 100;
const KEY = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const BLANK = /^[\s\x1c-\x1f\x85]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** What may be said of an event. */
export interface TrackEvent {
  event_name: string;
  data?: Record<string, string | number | boolean | Date> | null;
  profile_id?: string | null;
}

/** An event that the rules let pass. */
export interface ValidEvent {
  event_name: string;
  data: Record<string, string | number | boolean>;
  profile_id: string | null;
}

/** Judges an event by the rules of Track Event, in the server's words and order. Throws ClarionError with every problem. */
export function readEvent(event: unknown): ValidEvent {
  const given: Members = isMembers(event) ? event : {};
  const details: Detail[] = [];
  const tell = (message: string | undefined, ...path: string[]): void => {
    if (message !== undefined && details.length < MOST_DETAILS) details.push({message, path});
  };
  const name = given['event_name'] ?? undefined;
  tell(name === undefined ? 'event_name is required' : nameProblem(name), 'event_name');
  const profile = given['profile_id'] ?? null;
  if (profile !== null) tell(textProblem('profile_id', profile, IDENTITY_CHARACTERS), 'profile_id');
  const data = readData(given['data'] ?? {}, tell);
  const valid = {event_name: name as string, data, profile_id: profile as string | null};
  // in JSON it would be an escape that nobody can read
  if (!details.length && hasLoneSurrogate(valid)) tell('Request body must be valid JSON');
  if (details.length) throw invalid(details);
  return valid;
}

/** What is wrong with a text of 1 to `most` characters, if anything is. */
export function textProblem(label: string, value: unknown, most: number): string | undefined {
  if (typeof value !== 'string') return `${label} must be a string`;
  if (BLANK.test(value)) return `${label} must not be empty`;
  if (isLonger(value, most)) return `${label} must be at most ${most} characters`;
  return value.includes('\0') ? `${label} must not contain NUL characters` : undefined;
}

function nameProblem(name: unknown): string | undefined {
  const problem = textProblem('event_name', name, NAME_CHARACTERS);
  const reserved = typeof name === 'string' && name.startsWith('PushEngage.') && !isLonger(name, NAME_CHARACTERS);
  return reserved ? 'event_name must not start with "PushEngage."' : problem;
}

type Tell = (message: string | undefined, ...path: string[]) => void;

function readData(given: unknown, tell: Tell): ValidEvent['data'] {
  const data: ValidEvent['data'] = {};
  if (!isMembers(given)) {
    tell('data must be an object', 'data');
    return data;
  }
  const problems: [string, string][] = [];
  for (const [key, value] of Object.entries(given)) {
    const plain = value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value;
    // as JSON has it: what is undefined is not there
    if (plain === undefined) continue;
    const problem = keyProblem(key) ?? valueProblem(plain);
    if (problem !== undefined) problems.push([problem, key]);
    if (isFlat(plain)) data[key] = plain;
  }
  if (new TextEncoder().encode(JSON.stringify(data)).length > DATA_BYTES) tell(`data must be at most ${DATA_BYTES} bytes`, 'data');
  for (const [problem, key] of problems) tell(problem, 'data', key);
  return data;
}

function keyProblem(key: string): string | undefined {
  if (isLonger(key, KEY_CHARACTERS)) return `data keys must be at most ${KEY_CHARACTERS} characters`;
  if (KEY.test(key)) return undefined;
  return 'data keys must start with a letter or digit and contain only letters, digits, hyphens and underscores';
}

function valueProblem(value: unknown): string | undefined {
  if (!isFlat(value)) return 'data values must be a string, number, boolean or ISO 8601 date';
  return typeof value === 'string' && value.includes('\0') ? 'data values must not contain NUL characters' : undefined;
}

function isFlat(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

/** Characters are code points. */
function isLonger(value: string, most: number): boolean {
  return value.length > most && [...value].length > most;
}

function hasLoneSurrogate(event: ValidEvent): boolean {
  return [event.event_name, event.profile_id, ...Object.values(event.data)].some((value) => LONE_SURROGATE.test(String(value)));
}
