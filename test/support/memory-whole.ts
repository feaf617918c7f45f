/** Small files of a remote in memory, each copied as a whole. */
import { CopyError } from '../../src/errors.ts';
import type { FinalAttributes, RemoteConnection, StagedWhole, WholeFile } from '../../src/remotes/remote.ts';
import { slicesOf } from '../../src/util/slices-of.ts';

export async function stageWholeFile(
  connection: RemoteConnection,
  target: Uint8Array,
  bytes: Uint8Array,
  { syncs, ...final }: FinalAttributes & { readonly syncs: boolean },
): Promise<StagedWhole> {
  const staged = await connection.stage(target, 'new', bytes.length);
  const { token } = staged;
  try {
    const fill = async ([view]: readonly Uint8Array[], offset: number): Promise<void> => {
      view!.set(bytes.subarray(offset, offset + view!.length));
    };
    await staged.write(slicesOf({ offset: 0, length: bytes.length }), fill, () => {});
    const began = performance.now();
    const isSynced = syncs && (await staged.sync());
    const syncMs = performance.now() - began;
    const seal = await staged.seal(final);
    return { token, seal, ...(isSynced && bytes.length > 0 && { syncMs }) };
  } catch (error) {
    await staged.close().catch(() => {});
    await connection.discard(token).catch(() => {});
    throw error;
  }
}

export async function readWholeFile(connection: RemoteConnection, path: Uint8Array, size: number): Promise<WholeFile> {
  const bytes = Buffer.alloc(size);
  const file = await connection.open(path);
  try {
    await file.read(slicesOf({ offset: 0, length: size }), async ([view], offset) => {
      bytes.set(view!, offset);
    });
    const attributes = await file.attributes;
    const now = await connection.stat(path);
    const isSame = now?.size === attributes.size && now.mtimeMs === attributes.mtimeMs;
    if (!isSame || (await file.hasByteAt(size))) throw new CopyError('source-changed', 'It has changed.');
    return { bytes, attributes };
  } finally {
    await file.close().catch(() => {});
  }
}
