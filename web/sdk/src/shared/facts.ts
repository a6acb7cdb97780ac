/** What a registration says about the browser it comes from. */
export interface Facts {
  device: string;
  browser: string;
  os: string;
  language: string;
  timezone: string;
  user_agent: string;
}

// the first that matches; most browsers claim to be several
const BROWSERS: [string, RegExp][] = [
  ['edge', /\bEdg/],
  ['opera', /\bOPR\//],
  ['samsung', /SamsungBrowser/],
  ['firefox', /Firefox|FxiOS/],
  ['chrome', /Chrom|CriOS/],
  ['safari', /Safari/],
];
const SYSTEMS: [string, RegExp][] = [
  ['ios', /iPhone|iPad|iPod/],
  ['android', /Android/],
  ['windows', /Windows/],
  ['macos', /Mac OS/],
  ['chromeos', /CrOS/],
  ['linux', /Linux/],
];

export function facts(): Facts {
  const agent = navigator.userAgent;
  const named = (names: [string, RegExp][]): string => (names.find(([, pattern]) => pattern.test(agent)) ?? ['other'])[0];
  const tablet = /iPad|Tablet|Android(?!.*Mobile)/.test(agent);
  return {
    device: tablet ? 'tablet' : /Mobi/.test(agent) ? 'mobile' : 'desktop',
    browser: named(BROWSERS),
    os: named(SYSTEMS),
    language: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
    user_agent: agent.slice(0, 512),
  };
}
