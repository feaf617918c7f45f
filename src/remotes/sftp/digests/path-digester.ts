/** The interface of the digest providers: each hashes files by their paths, over one connection. */
import type { CopyError } from '../../../errors.ts';
import type { DigestAlgorithm, Digester, Range } from '../../remote.ts';
import type { SftpSession } from '../session.ts';
import type { ExecChannel } from '../ssh/ssh-connection.ts';

/** The part of a connection that a provider may use. */
export interface DigestConnection {
  readonly session: SftpSession;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<CopyError | undefined>;
  /** See `SshConnection.exec`. */
  exec(command: string): Promise<ExecChannel>;
}

/** A {@link Digester} for absolute paths. */
export interface PathDigester extends Omit<Digester, 'digests'> {
  digests(
    path: Uint8Array,
    ranges: readonly Range[],
    algorithm: DigestAlgorithm,
  ): Promise<readonly (Uint8Array | undefined)[]>;
}
