/** The table of the digest providers: the only place that knows all of them. */
import { CopyError } from '../../../errors.ts';
import type { DigestMethod } from '../../remote.ts';
import { openCheckFile } from './check-file.ts';
import { openHelper } from './helper.ts';
import type { DigestConnection, PathDigester } from './path-digester.ts';
import { openShell } from './shell.ts';

export type SftpDigestMethod = 'check-file' | 'helper' | 'shell';

/** How each of them is opened, the best first. */
const OPENERS: Readonly<Record<SftpDigestMethod, (connection: DigestConnection) => Promise<PathDigester>>> = {
  'check-file': openCheckFile,
  helper: openHelper,
  shell: openShell,
};

/** The ways to let an SFTP server compute digests, best first. */
export const DIGEST_METHODS: readonly SftpDigestMethod[] = Object.keys(OPENERS) as SftpDigestMethod[];

/**
 * @throws {CopyError} `unsupported`: when the server does not support the method; scope `connection`: when the
 *   connection is lost; `bug`: when there is no such method
 */
export async function openDigester(method: DigestMethod, connection: DigestConnection): Promise<PathDigester> {
  if (!isKnown(method)) throw new CopyError('bug', `There is no digest method ${method}.`);
  return OPENERS[method](connection);
}

function isKnown(method: DigestMethod): method is SftpDigestMethod {
  return Object.hasOwn(OPENERS, method);
}
