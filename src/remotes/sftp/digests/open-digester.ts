/** The one place that knows all providers. */
import type { DigestMethod } from '../../remote.ts';
import { openCheckFile } from './check-file.ts';
import { openHelper } from './helper.ts';
import type { DigestConnection, PathDigester } from './path-digester.ts';
import { openShell } from './shell.ts';

const OPENERS: Readonly<Record<DigestMethod, (connection: DigestConnection) => Promise<PathDigester>>> = {
  'check-file': openCheckFile,
  helper: openHelper,
  shell: openShell,
};

/** @throws CopyError `unsupported` where the server has no such provider, or scope `connection` */
export function openDigester(method: DigestMethod, connection: DigestConnection): Promise<PathDigester> {
  return OPENERS[method](connection);
}
