/**
 * Remembers that a run creates the directory that its one source becomes. Until that run has succeeded, the same command
 * continues in that directory, although by the destination rules a directory that exists would get a copy of the source
 * in it.
 */
import { createHash } from 'node:crypto';
import { readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CopyError } from '../../errors.ts';
import { makeDirectories } from '../../util/make-directories.ts';
import { systemErrorCode, systemErrorText } from '../../util/system-error.ts';
import type { JournalStore } from './file-journal.ts';

export interface NotedTree {
  readonly direction: 'upload' | 'download';
  /** Absolute, without links. */
  readonly source: Uint8Array;
  readonly target: Uint8Array;
}

export class TreeNote {
  readonly #store: JournalStore;
  readonly #path: string;

  constructor(store: JournalStore, { direction, source, target }: NotedTree) {
    const { directory, identity, machine } = store;
    const { host, port, user, via } = identity;
    const server = JSON.stringify([host, port, user, machine, via ?? null, direction]);
    const hash = createHash('sha256').update(server).update('\0').update(source).update('\0').update(target);
    this.#store = store;
    this.#path = join(directory, `${hash.digest('hex').slice(0, 32)}.tree`);
  }

  /** Whether an earlier run has created the directory and has not succeeded. */
  async isThere(): Promise<boolean> {
    if (!this.#store.resume) return false;
    return readFile(this.#path).then(
      () => true,
      () => false,
    );
  }

  /** A failure is reported, and has no other effect: the user can name the contents of the source instead. */
  async write(): Promise<void> {
    try {
      await makeDirectories(this.#store.directory, 0o700);
      await writeFile(this.#path, '', { mode: 0o600 });
    } catch (error) {
      const message = `It cannot be noted that this run has created its destination: ${systemErrorText(error)}.`;
      const advice = 'If it is interrupted, name SOURCE/. when it is run again.';
      this.#store.onFailed(new CopyError('local-io', message, { cause: error, advice }));
    }
  }

  async remove(): Promise<void> {
    await unlink(this.#path).catch((error: unknown) => {
      if (systemErrorCode(error) !== 'ENOENT') {
        this.#store.onFailed(new CopyError('local-io', `${this.#path} cannot be removed: ${systemErrorText(error)}.`));
      }
    });
  }
}
