import { CopyError } from '../../../errors.ts';
import type { DigestConnection, PathDigester } from './path-digester.ts';

/** @throws CopyError `unsupported`, or scope `connection` */
export async function openShell(_connection: DigestConnection): Promise<PathDigester> {
  throw new CopyError('unsupported', 'Not built yet.');
}
