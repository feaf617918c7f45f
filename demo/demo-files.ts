import { join } from 'node:path';

/** What lies where in the demo's temporary directory; demo and server agree on it here. */
export function demoFiles(dir: string): {
  readonly hostKey: string;
  readonly userKey: string;
  readonly userPublicKey: string;
  readonly knownHosts: string;
  readonly served: string;
  readonly home: string;
} {
  return {
    hostKey: join(dir, 'host_key'),
    userKey: join(dir, 'user_key'),
    userPublicKey: join(dir, 'user_key.pub'),
    knownHosts: join(dir, 'known_hosts'),
    served: join(dir, 'server'),
    home: join(dir, 'home'),
  };
}

export const DEMO_USER = 'demo';
