import {keep, read} from './database.js';
import {ClarionError} from './errors.js';
import {ask} from './http.js';
import {isMembers, text} from './values.js';

/** Which server and which site of it. The pages keep it for the worker. */
export interface Config {
  apiHost: string;
  appId: string;
}

/** What the server says of a site. */
export interface Site {
  id: number;
  key: string;
}

const CONFIG = 'config';

export function keepConfig(config: Config): Promise<void> {
  return keep(CONFIG, config);
}

export function readConfig(): Promise<Config | undefined> {
  return read<Config>(CONFIG);
}

/** Asks for the site. While the server is away, what it said last stands. */
export async function sync({apiHost, appId}: Config): Promise<Site> {
  const kept = `site ${appId}`;
  try {
    const data = await ask(apiHost, {method: 'GET', path: `sites/${encodeURIComponent(appId)}/sync/web`});
    const key = isMembers(data) && text(data['vapid_public_key']);
    if (!isMembers(data) || typeof data['site_id'] !== 'number' || !key) throw new ClarionError('The server describes no site');
    const site: Site = {id: data['site_id'], key};
    await keep(kept, site);
    return site;
  } catch (error) {
    const site = error instanceof ClarionError && error.passes ? await read<Site>(kept) : undefined;
    if (!site) throw error;
    return site;
  }
}
