/**
 * One cell of the matrix of directions, sizes, connections, targets, names and servers: copied for real, and compared.
 */
import { link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { expect } from 'vitest';
import { copy, type Direction, sidesOf } from './directions.ts';
import { giveTo } from './give-to.ts';
import { startProftpd } from './proftpd.ts';
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
  readonly direction: Direction;
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

export function titleOf({ direction, server, size, connections, target, name, namedBy }: Cell): string {
  const way = direction === 'up' ? 'to' : 'from';
  return `${size} ${way} ${server} over ${connections}, over ${target === 'none' ? 'nothing' : `a ${target} one`}, ${name} (by the ${namedBy})`;
}

/** Servers and sources, made when a cell first needs them. */
export class TransferMatrix {
  readonly #dir: TempDir;
  readonly #servers: Map<Cell['server'], Promise<TestServer>> = new Map();
  readonly #sources: Map<Cell['size'], Promise<{ readonly path: string; readonly sha256: string }>> = new Map();
  #cells = 0;

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  static async start(): Promise<TransferMatrix> {
    return new TransferMatrix(await makeTempDir('matrix'));
  }

  async stop(): Promise<void> {
    for (const server of this.#servers.values()) await (await server).stop();
    await this.#dir.remove();
  }

  async expectIdentical(cell: Cell): Promise<void> {
    const { direction, connections } = cell;
    const { bytes, pieceSize } = sizes[cell.size];
    const server = await this.#server(cell.server);
    const original = await this.#source(cell.size);
    const name = names[cell.name];
    const sides = sidesOf(direction, { server, dir: this.#dir });
    const number = ++this.#cells;
    const [from, into] = [`from-${number}`, `into-${number}`];
    const [here, there] = [`${sides.sources}/${from}`, `${sides.targets}/${into}`];
    const source = cell.namedBy === 'source' ? name : Buffer.from('source.bin');
    const target = inside(there, name);
    const give = async (path: string | Buffer): Promise<void> => {
      if (direction === 'up') await giveTo(server, path);
    };
    try {
      await mkdir(here);
      await link(original.path, inside(here, source));
      await mkdir(there);
      await give(there);
      if (cell.target !== 'none') {
        await writeRandomFile(target, cell.target === 'shorter' ? Math.floor(bytes / 2) : bytes + 100_001);
        await give(target);
      }
      const { code, stderr } = await copy({
        direction,
        server,
        cwd: this.#dir.path,
        sources: [inside(from, source)],
        destination: inside(into, cell.namedBy === 'source' ? Buffer.alloc(0) : name),
        more: ['-n', `${connections}`, ...(pieceSize === undefined ? [] : ['-s', pieceSize])],
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('1 file') });
      expect(await readdir(there, { encoding: 'buffer' })).toEqual([name]);
      expect((await stat(target)).size).toBe(bytes);
      expect(await sha256Of(target)).toBe(original.sha256);
    } finally {
      for (const directory of [here, there]) await rm(directory, { recursive: true, force: true });
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

function inside(directory: string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), name]);
}

function remembered<K, V>(all: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const known = all.get(key);
  if (known !== undefined) return known;
  const made = make();
  all.set(key, made);
  return made;
}
