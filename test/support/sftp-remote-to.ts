import { SftpRemote } from '../../src/remotes/sftp/sftp-remote.ts';
import { EmbeddedTransport } from '../../src/remotes/sftp/ssh/embedded-transport.ts';
import { resolveSshOptions } from '../../src/remotes/sftp/ssh/resolve-options.ts';
import { resolveSystem } from '../../src/remotes/sftp/ssh/system/resolve-system.ts';
import { SystemTransport } from '../../src/remotes/sftp/ssh/system/system-transport.ts';
import type { TestServer } from './test-server.ts';

export interface RemoteToOptions {
  /** Of a proxy; the server's own unless set. */
  readonly port?: number;
  /** As with `-o`. */
  readonly options?: readonly string[];
  readonly inFlight?: number | 'auto';
  readonly fastPath?: boolean;
}

/** A transport that knows the server, and the key that it lets in. */
export function transportTo(
  server: TestServer,
  { port, options = [], fastPath = true }: RemoteToOptions = {},
): EmbeddedTransport {
  const environment = { home: '/nonexistent', user: 'nobody', variables: {} };
  const { host, user, identityFile, knownHostsFile } = server;
  const files = [`UserKnownHostsFile=${knownHostsFile}`, 'GlobalKnownHostsFile=none'];
  const input = {
    host,
    port: port ?? server.port,
    user,
    identityFiles: [identityFile],
    options: [...options, ...files],
  };
  return new EmbeddedTransport({ settings: { ...resolveSshOptions(input, environment), fastPath }, environment });
}

/** The same by the ssh program of the system. It asks nobody. */
export async function systemTransportTo({
  host,
  port,
  user,
  identityFile,
  knownHostsFile,
}: TestServer): Promise<SystemTransport> {
  const environment = { home: '/nonexistent', user: 'nobody', variables: {} };
  const options = [`UserKnownHostsFile=${knownHostsFile}`, 'GlobalKnownHostsFile=none', 'IdentitiesOnly=yes'];
  const input = { host, port, user, identityFiles: [identityFile], options, configFile: 'none', batch: true };
  return new SystemTransport({ spec: await resolveSystem(input, environment) });
}

/** The server as a remote, without a program around it. */
export function sftpRemoteTo(server: TestServer, options: RemoteToOptions = {}): SftpRemote {
  const { inFlight = 'auto' } = options;
  return new SftpRemote(transportTo(server, options), { stallTimeoutMs: 30_000, inFlight });
}
