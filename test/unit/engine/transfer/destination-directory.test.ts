import { expect, test } from 'vitest';
import { Destination } from '../../../../src/engine/transfer/destination.ts';
import { MemoryTree } from '../../../support/memory-tree.ts';

function connectionTo(side: MemoryTree) {
  return {
    stat: (path: Uint8Array) => side.stat(Buffer.from(path)),
    lstat: (path: Uint8Array) => side.lstat(Buffer.from(path)),
    realPath: (path: Uint8Array) => side.realPath(Buffer.from(path)),
    makeDirectory: (path: Uint8Array) => side.makeDirectory(Buffer.from(path), undefined),
  };
}

const side = (): MemoryTree =>
  new MemoryTree()
    .directory('/d')
    .directory('/d/there')
    .file('/d/file')
    .link('/d/dangling', '/nothing')
    .link('/d/led', '/elsewhere')
    .directory('/elsewhere')
    .link('/to-d', '/d')
    .link('/dangling', '/nothing')
    .file('/file');

interface Case {
  readonly destination: string;
  /** Undefined: the contents alone are copied. */
  readonly name: string | undefined;
  readonly several?: boolean;
  readonly isOurs?: boolean;
  /** The path of the target, or a code. */
  readonly expected: string;
  readonly exists?: boolean;
  readonly isGiven?: boolean;
  readonly isOwn?: boolean;
}

test.each<Case>([
  { destination: '/new', name: 's', expected: '/new', isOwn: true },
  { destination: '/new/', name: 's', expected: '/new', isOwn: true },
  { destination: '/new', name: undefined, expected: '/new' },
  { destination: '/new', name: 's', several: true, expected: '/new/s' },
  { destination: '/d', name: 's', expected: '/d/s' },
  { destination: '/d/', name: 's', expected: '/d/s' },
  { destination: '/d/.', name: 's', expected: '/d/s' },
  { destination: '/d', name: undefined, expected: '/d', exists: true },
  { destination: '/d', name: 'there', expected: '/d/there', exists: true },
  { destination: '/d', name: 's', isOurs: true, expected: '/d', exists: true, isOwn: true },
  { destination: '/d', name: 's', isOurs: true, several: true, expected: '/d/s' },
  { destination: '/to-d', name: 's', expected: '/d/s' },
  { destination: '/to-d', name: undefined, expected: '/d', exists: true },
  { destination: '/d', name: 'led', expected: '/elsewhere', exists: true },
  { destination: '/d', name: 'file', expected: 'destination-in-the-way' },
  { destination: '/d', name: 'dangling', expected: 'destination-dangling-link' },
  { destination: '/dangling', name: 's', expected: 'destination-dangling-link' },
  { destination: '/file', name: 's', expected: 'destination-in-the-way' },
  { destination: '/file', name: undefined, expected: 'destination-in-the-way' },
])(
  '$name to $destination: $expected',
  async ({ destination: at, name, several = false, isOurs = false, ...wanted }) => {
    const { expected, exists = false, isGiven = false, isOwn = false } = wanted;
    const connection = connectionTo(side());
    const destination = await Destination.resolve(connection, Buffer.from(at), several);
    const looking = destination.directoryFor(
      connection,
      Buffer.from(name ?? '.'),
      name === undefined,
      async () => isOurs,
    );
    if (!expected.startsWith('/')) {
      await expect(looking).rejects.toMatchObject({ code: expected });
      return;
    }
    const found = await looking;
    expect(found.path.toString()).toBe(expected);
    expect([found.existing !== undefined, found.isGiven, found.isOwn]).toEqual([exists, isGiven, isOwn]);
  },
);
