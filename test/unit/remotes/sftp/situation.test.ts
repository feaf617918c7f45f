/** What is found around a target, and that finding it out changes nothing. */
import { expect, test } from 'vitest';
import type { Situation } from '../../../../src/remotes/remote.ts';
import { type Quirks, StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';

const TARGET = '/home/f';
const OLD = 'the only copy';

interface Scene {
  readonly quirks?: Partial<Quirks>;
  readonly old?: boolean;
  readonly software?: string;
}

async function examined({ quirks = {}, old = true, software }: Scene): Promise<{
  server: StandInSftpServer;
  situation: Situation;
}> {
  const server = new StandInSftpServer(quirks);
  if (old) server.put(TARGET, OLD, { mtimeSeconds: 77 });
  const connection = await server.connection(software);
  const situation = await connection.examine(Buffer.from(TARGET), undefined, true);
  await connection.close();
  expect(server.openHandles).toBe(0);
  // Whatever the server does to files that are opened.
  if (old) {
    expect(server.read(TARGET)?.toString()).toBe(OLD);
    expect(server.disk.get(TARGET)?.mtimeSeconds).toBe(77);
  } else expect(server.read(TARGET)).toBeUndefined();
  return { server, situation };
}

const all = { creates: true, writes: true, renames: true, removes: true };

test.each<[string, Scene, Partial<Situation>]>([
  ['a server that allows everything', {}, { trial: all, isTargetWritable: true, space: undefined }],
  ['nothing at the target', { old: false }, { target: 'missing', trial: all, isTargetWritable: undefined }],
  ['one that truncates what is opened', { quirks: { truncatesOnOpen: true } }, { isTargetWritable: undefined }],
  [
    'one that writes into a file of its own first',
    { quirks: { privateTemporary: true } },
    { isTargetWritable: undefined },
  ],
  ['one without room', { quirks: { fullAt: 0 } }, { trial: { ...all, writes: false } }],
  ['one that tells its failure at the end', { quirks: { refuseClose: true } }, { trial: { ...all, writes: false } }],
  ['no renames', { quirks: { refuseRename: () => true } }, { trial: { ...all, renames: false } }],
  ['a plain rename alone', { quirks: { posixRename: false } }, { trial: all }],
  [
    'one that tells its room',
    { quirks: { freeBytes: 4096 } },
    { space: { availableBytes: 4096, availableFiles: 9, isReadOnly: false } },
  ],
])('%s', async (_name, scene, expected) => {
  const { server, situation } = await examined(scene);
  expect(situation).toMatchObject(expected);
  expect(server.paths).toEqual(scene.old === false ? [] : [TARGET]);
});

test('a trial file that cannot be removed is named, and there is no second trial', async () => {
  const server = new StandInSftpServer({ refuseRemove: () => true });
  const connection = await server.connection();
  const { trial } = await connection.examine(Buffer.from(TARGET), undefined, true);
  expect(trial).toMatchObject({ creates: true, removes: false });
  expect(server.paths).toEqual([Buffer.from(trial!.leftBehind!).toString()]);
  expect((await connection.examine(Buffer.from(TARGET), undefined, true)).trial).toBeUndefined();
  expect(server.paths).toHaveLength(1);
  await connection.close();
});

test('without trying, nothing is opened or created', async () => {
  const server = new StandInSftpServer({ freeBytes: 5 });
  server.put(TARGET, OLD);
  const connection = await server.connection();
  const staged = await connection.stage(Buffer.from(TARGET), 'new');
  server.asked.length = 0;
  const situation = await connection.examine(Buffer.from(TARGET), staged.token, false);
  expect(server.asked.sort()).toEqual(['lstat', 'stat', 'statvfs@openssh.com']);
  expect(situation).toMatchObject({ staged: { at: { kind: 'file', size: 0 } }, isTargetWritable: undefined });
  for (const path of server.paths) if (path !== TARGET) server.disk.delete(path);
  const gone = await connection.examine(Buffer.from(TARGET), staged.token, false);
  expect(gone.staged?.at).toBe('missing');
  await connection.close();
});
