/** What the providers have in common: each hashes by paths, over one connection. */
import type { CopyError } from '../../../errors.ts';
import type { DigestAlgorithm, Digester, Range } from '../../remote.ts';
import type { SftpSession } from '../session.ts';
import type { ExecChannel } from '../ssh/ssh-connection.ts';

/** What a provider may use of a connection. */
export interface DigestConnection {
  readonly session: SftpSession;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<CopyError | undefined>;
  /** See `SshConnection.exec`. */
  exec(command: string): Promise<ExecChannel>;
}

/** A {@link Digester} for absolute paths, as the SFTP server names them. */
export interface PathDigester extends Omit<Digester, 'digests'> {
  digests(
    path: Uint8Array,
    ranges: readonly Range[],
    algorithm: DigestAlgorithm,
  ): Promise<readonly (Uint8Array | undefined)[]>;
}
