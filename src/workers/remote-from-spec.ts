/** A remote from its plain description, in the thread that is to dial it. */
import { CopyError } from '../errors.ts';
import type { Remote, RemoteSpec } from '../remotes/remote.ts';
import { isSftpSpec, SftpRemote } from '../remotes/sftp/sftp-remote.ts';
import { EmbeddedTransport } from '../remotes/sftp/ssh/embedded-transport.ts';

/** @throws CopyError `bug` for a protocol that is not known */
export function remoteFromSpec(spec: RemoteSpec): Remote {
  if (isSftpSpec(spec)) return new SftpRemote(EmbeddedTransport.fromSpec(spec.ssh), spec);
  throw new CopyError('bug', `There is no protocol ${spec.protocol}.`);
}
