/** Protocol -> implementation: the one place that knows them all. */
import { CopyError } from '../errors.ts';
import type { Remote, RemoteSpec } from './remote.ts';
import { openSftp, type SshServices } from './sftp/open-sftp.ts';
import { isSftpSpec } from './sftp/sftp-remote.ts';

/** What a remote may use on the thread that settles how to log in. */
export type RemoteServices = SshServices;

/**
 * The remote that `spec` describes; connects nothing yet. Without `services`, as in a worker thread, nobody is asked and
 * only what the first connection settled is used.
 * @throws {CopyError} `bug`: when the protocol is not known
 */
export function openRemote(spec: RemoteSpec, services?: RemoteServices): Remote {
  if (isSftpSpec(spec)) return openSftp(spec, services);
  throw new CopyError('bug', `There is no protocol ${spec.protocol}.`);
}
