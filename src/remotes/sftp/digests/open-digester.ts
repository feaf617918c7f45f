/** The one place that knows all providers. */
import { CopyError } from '../../../errors.ts';
import type { DigestMethod } from '../../remote.ts';
import { openCheckFile } from './check-file.ts';
import type { SftpDigestMethod } from './digest-methods.ts';
import { openHelper } from './helper.ts';
import type { DigestConnection, PathDigester } from './path-digester.ts';
import { openShell } from './shell.ts';

const OPENERS: Readonly<Record<SftpDigestMethod, (connection: DigestConnection) => Promise<PathDigester>>> = {
  'check-file': openCheckFile,
  helper: openHelper,
  shell: openShell,
};

/** @throws {CopyError} `unsupported`: when the server has no such provider; scope `connection` */
export async function openDigester(method: DigestMethod, connection: DigestConnection): Promise<PathDigester> {
  if (!isKnown(method)) throw new CopyError('bug', `There is no digest method ${method}.`);
  return OPENERS[method](connection);
}

function isKnown(method: DigestMethod): method is SftpDigestMethod {
  return Object.hasOwn(OPENERS, method);
}
