/** The two ways to hold names, as plain data. */
import { socketFiles } from '../../src/engine/lock/socket-files.ts';
import { abstractNames } from '../../src/engine/lock/system-names.ts';
import type { KindOfNames } from '../../src/engine/lock/target-lock.ts';

export type LockKind = { readonly is: 'abstract' } | { readonly is: 'files'; readonly directory: string };

export function kindOfNames(kind: LockKind): KindOfNames {
  return kind.is === 'abstract' ? abstractNames : () => socketFiles(kind.directory);
}
