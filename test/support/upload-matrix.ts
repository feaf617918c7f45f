/** One cell of the matrix of sizes, connections, targets, names and servers: uploaded for real, and compared. */
import { chown, link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { expect } from 'vitest';
import { startProftpd } from './proftpd.ts';
import { putRaw } from './put-raw.ts';
import { sha256Of, writeRandomFile, writeSparseFile } from './random-file.ts';
import { startSshd } from './sshd.ts';
import { makeTempDir, type TempDir } from './temp-dir.ts';
import type { TestServer } from './test-server.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const PIECE = 4 * MIB;

interface Size {
  readonly bytes: number;
  readonly pieceSize?: string;
  readonly sparse?: boolean;
}

type SizeName =
  | '0 B'
  | '1 B'
  | 'one piece − 1'
  | 'one piece'
  | 'one piece + 1'
  | '21 pieces of 64 KiB, and 1'
  | '300 MiB'
  | '5 GiB, sparse';

const sizes: Readonly<Record<SizeName, Size>> = {
  '0 B': { bytes: 0 },
  '1 B': { bytes: 1 },
  'one piece − 1': { bytes: PIECE - 1 },
  'one piece': { bytes: PIECE },
  'one piece + 1': { bytes: PIECE + 1 },
  '21 pieces of 64 KiB, and 1': { bytes: 21 * 64 * KIB + 1, pieceSize: '64K' },
  '300 MiB': { bytes: 300 * MIB },
  '5 GiB, sparse': { bytes: 5 * 1024 * MIB, sparse: true },
};

type TargetName = 'plain' | 'spaces' | 'quotes' | 'newlines' | '250 bytes' | 'not UTF-8' | 'leading dash';

const names: Readonly<Record<TargetName, Buffer>> = {
  plain: Buffer.from('plain.bin'),
  spaces: Buffer.from(' a  b '),
  quotes: Buffer.from(`it's "so" \`called\` $HOME \\`),
  newlines: Buffer.from('two\nlines\n'),
  '250 bytes': Buffer.from('0123456789'.repeat(25)),
  'not UTF-8': Buffer.from([0x61, 0xff, 0xfe, 0xc3, 0x62]),
  'leading dash': Buffer.from('-rf'),
};

export interface Cell {
  readonly server: 'sshd' | 'proftpd';
  readonly size: SizeName;
  readonly connections: 1 | 3 | 10;
  readonly target: 'none' | 'shorter' | 'longer';
  readonly name: TargetName;
  /** Which of the two carries the name: the path of the destination, or the source that goes into a directory. */
  readonly namedBy: 'destination' | 'source';
}

/** The sizes of which a test can make as many as it likes. */
export const smallSizes: readonly Cell['size'][] = [
  '0 B',
  '1 B',
  'one piece − 1',
  'one piece',
  'one piece + 1',
  '21 pieces of 64 KiB, and 1',
];

export const allServers: readonly Cell['server'][] = ['sshd', 'proftpd'];
export const allConnections: readonly Cell['connections'][] = [1, 3, 10];
export const allTargets: readonly Cell['target'][] = ['none', 'shorter', 'longer'];
export const allNames = Object.keys(names) as TargetName[];

/** Nothing is shorter than an empty file. */
export function isPossible({ size, target }: Cell): boolean {
  return sizes[size].bytes > 0 || target !== 'shorter';
}

export function titleOf({ server, size, connections, target, name, namedBy }: Cell): string {
  return `${size} to ${server} over ${connections}, over ${target === 'none' ? 'nothing' : `a ${target} one`}, ${name} (by the ${namedBy})`;
}

/** Servers and sources, made when a cell first needs them. */
export class UploadMatrix {
  readonly #dir: TempDir;
  readonly #servers: Map<Cell['server'], Promise<TestServer>> = new Map();
  readonly #sources: Map<Cell['size'], Promise<{ readonly path: string; readonly sha256: string }>> = new Map();
  #cells = 0;

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  static async start(): Promise<UploadMatrix> {
    return new UploadMatrix(await makeTempDir('matrix'));
  }

  async stop(): Promise<void> {
    for (const server of this.#servers.values()) await (await server).stop();
    await this.#dir.remove();
  }

  async check(cell: Cell): Promise<void> {
    const { bytes, pieceSize } = sizes[cell.size];
    const server = await this.#server(cell.server);
    const source = await this.#source(cell.size);
    const name = names[cell.name];
    const directory = `cell-${++this.#cells}`;
    const there = `${server.home}/${directory}`;
    const target = Buffer.concat([Buffer.from(`${there}/`), name]);
    const owner = await stat(server.home);
    await mkdir(there);
    await chown(there, owner.uid, owner.gid);
    try {
      if (cell.target !== 'none') {
        await writeRandomFile(target, cell.target === 'shorter' ? Math.floor(bytes / 2) : bytes + 100_001);
        await chown(target, owner.uid, owner.gid);
      }
      const more = ['-n', `${cell.connections}`, ...(pieceSize === undefined ? [] : ['-s', pieceSize])];
      const { code, stderr } = await this.#put(cell, source.path, server, directory, more);
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('1 file') });
      expect(await readdir(there, { encoding: 'buffer' })).toEqual([name]);
      expect((await stat(target)).size).toBe(bytes);
      expect(await sha256Of(target)).toBe(source.sha256);
    } finally {
      await rm(there, { recursive: true });
    }
  }

  async #put(cell: Cell, source: string, server: TestServer, directory: string, more: readonly string[]) {
    const name = names[cell.name];
    const into = Buffer.from(`${directory}/`);
    if (cell.namedBy === 'destination') {
      return putRaw(Buffer.from(source), server, Buffer.concat([into, name]), more);
    }
    const own = await makeTempDir('named');
    try {
      const path = Buffer.concat([Buffer.from(`${own.path}/`), name]);
      await link(source, path);
      return await putRaw(path, server, into, more);
    } finally {
      await own.remove();
    }
  }

  #server(which: Cell['server']): Promise<TestServer> {
    return remembered(this.#servers, which, () => (which === 'sshd' ? startSshd() : startProftpd()));
  }

  #source(size: Cell['size']): Promise<{ readonly path: string; readonly sha256: string }> {
    return remembered(this.#sources, size, async () => {
      const { bytes, sparse } = sizes[size];
      const path = this.#dir.file(`${this.#sources.size}.bin`);
      await (sparse ? writeSparseFile(path, bytes) : writeRandomFile(path, bytes));
      return { path, sha256: await sha256Of(path) };
    });
  }
}

function remembered<K, V>(all: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const known = all.get(key);
  if (known !== undefined) return known;
  const made = make();
  all.set(key, made);
  return made;
}
