import type { RemoteIdentity } from '../../remote.ts';

/**
 * The identity of a server. What lies on the way to it does not belong to it, because the same server may be reached in
 * several ways; but `localhost` is another machine behind each jump host.
 * @param via the hosts on the way or the proxy command; undefined: there is nothing
 */
export function remoteIdentity(host: string, port: number, user: string, via: string | undefined): RemoteIdentity {
  const isLoopback = host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
  return { host, port, user, ...(via !== undefined && isLoopback && { via }) };
}
