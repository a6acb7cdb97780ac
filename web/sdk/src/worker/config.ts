import {text} from '../shared/values.js';
import {readConfig, type Config} from '../shared/site.js';
import {worker} from './scope.js';

/** The server and the site: of the script's own address (`?app_id=…&api_host=…`), else of what the page has kept. */
export async function config(): Promise<Config | undefined> {
  const {searchParams, origin, pathname} = new URL(worker.location.href);
  const kept = await readConfig();
  const appId = text(searchParams.get('app_id')) ?? kept?.appId;
  // the server's own file says where the server is
  const served = /^\/sdk\/(?:[^/]+\/)?service-worker\.js$/.test(pathname) ? origin : undefined;
  const apiHost = text(searchParams.get('api_host')) ?? kept?.apiHost ?? served;
  return appId && apiHost ? {appId, apiHost} : undefined;
}
