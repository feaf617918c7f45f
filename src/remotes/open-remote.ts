/** Maps each protocol to its implementation. This is the only place that knows all of them. */
import { CopyError } from '../errors.ts';
import type { Remote, RemoteSpec } from './remote.ts';
import { openSftp, type SshServices } from './sftp/open-sftp.ts';
import { isSftpSpec } from './sftp/sftp-remote.ts';

/** What a remote may use on the main thread, where the first connection determines how to log in. */
export type RemoteServices = SshServices;

/**
 * The remote that `spec` describes. It does not connect yet. Without `services`, as in a worker thread, the user is
 * never asked, and only what the first connection determined is used.
 * @throws {CopyError} `bug`: when the protocol is not known
 */
export function openRemote(spec: RemoteSpec, services?: RemoteServices): Remote {
  if (isSftpSpec(spec)) return openSftp(spec, services);
  throw new CopyError('bug', `There is no protocol ${spec.protocol}.`);
}
