/** Compares small files as a whole: the server hashes many of them at a time, and this side has their bytes. */
import { hash } from 'node:crypto';
import type { DigestAlgorithm, Range, StageToken } from '../../remotes/remote.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import { cellsOf } from '../schedule/grid.ts';
import { type DigestBack, isSameDigest } from './digest-back.ts';
import type { ExpectSource } from './digest-provider.ts';
import type { DigestProviders } from './digest-providers.ts';

export interface WholeFile {
  readonly of: StageToken | Uint8Array;
  /** The contents on this side; at least one byte. */
  readonly bytes: Uint8Array;
  /** Reads what the server has. */
  readonly back: DigestBack;
  readonly expectSource?: ExpectSource;
}

/**
 * Whether the server has the same bytes. Undefined: no provider of digests can be trusted. A digest that differs is not
 * believed before the file was read back.
 * @throws {CopyError} the run is over, or the source has changed
 */
export async function compareWhole(
  providers: DigestProviders,
  { of, bytes, back, expectSource }: WholeFile,
  repeat: ConnectionAccess['repeat'],
): Promise<boolean | undefined> {
  const whole = { offset: 0, length: bytes.length };
  for (;;) {
    const provider = await repeat(() => providers.trusted({ of, back, expectSource, ranges: async () => [whole] }));
    if (provider === undefined) return undefined;
    const { method, algorithm, maxRangeLength } = provider;
    const cells = cellsOf(whole, maxRangeLength);
    const there = await providers.ask(provider, of, cells, expectSource);
    if (there === undefined) continue;
    if (cells.every((cell, index) => isSameDigest(digestOf(bytes, cell, algorithm), there[index]))) return true;
    if (!(await isSameReadBack(bytes, back))) return false;
    providers.drop(method, 'it gave a wrong digest');
  }
}

/** Whether the bytes that are read back are the same. */
export async function isSameReadBack(bytes: Uint8Array, back: DigestBack): Promise<boolean> {
  const whole = { offset: 0, length: bytes.length };
  const [there] = await back([whole], 'sha256');
  return isSameDigest(digestOf(bytes, whole, 'sha256'), there);
}

export function digestOf(bytes: Uint8Array, { offset, length }: Range, algorithm: DigestAlgorithm): Buffer {
  return hash(algorithm, bytes.subarray(offset, offset + length), 'buffer');
}
