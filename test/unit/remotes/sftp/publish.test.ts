import { expect, test } from 'vitest';
import type { Published, Seal, StageToken } from '../../../../src/remotes/remote.ts';
import { StatusCode } from '../../../../src/remotes/sftp/codec/constants.ts';
import { type Quirks, StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';
import { fillWith, slicesOf, sourceBytes } from './staging.ts';

const source = sourceBytes(50_000);
const target = Buffer.from('/home/f');
const MTIME_MS = 1_700_000_000_000;

interface Sealed {
  readonly server: StandInSftpServer;
  readonly token: StageToken;
  readonly seal: Seal;
  /** Its path. */
  readonly partial: string;
  publish(isRepeat?: boolean): Promise<Published>;
}

async function sealed(quirks: Partial<Quirks> = {}, old?: string): Promise<Sealed> {
  const server = new StandInSftpServer(quirks);
  if (old !== undefined) server.put('/home/f', old);
  const connection = await server.connection();
  const staged = await connection.stage(target, 'new');
  await staged.write(slicesOf({ offset: 0, length: source.length }), fillWith(source), () => {});
  const seal = await staged.seal({ size: source.length, mode: 0o640, mtimeMs: MTIME_MS });
  const { token } = staged;
  // The commit may come from another connection.
  const publish = async (isRepeat = false) =>
    (await server.connection()).publish(structuredClone(token), structuredClone(seal), { isRepeat });
  return { server, token, seal, publish, partial: String(token['partial']) };
}

test.each([
  ['posix-rename, target missing', {}, undefined, true],
  ['posix-rename, target there', {}, 'old', true],
  ['no posix-rename, target missing', { posixRename: false }, undefined, true],
  ['no posix-rename, rename replaces', { posixRename: false, renameReplaces: true }, 'old', true],
  ['no posix-rename, rename refuses', { posixRename: false }, 'old', false],
  ['posix-rename offered and not there', { refusePosixRename: StatusCode.unsupported }, 'old', false],
] as const)('%s: the new file is there, and nothing else', async (_, quirks, old, isAtomic) => {
  const { server, publish } = await sealed(quirks, old);
  expect(await publish()).toEqual({ isAtomic, size: source.length });
  expect(server.read('/home/f')?.equals(source)).toBe(true);
  expect(server.paths).toEqual(['/home/f']);
});

test('the size is asked for together with the rename, and again where it is not the right one', async () => {
  const { server, publish } = await sealed({}, 'old');
  server.asked.length = 0;
  expect(await publish()).toEqual({ isAtomic: true, size: source.length });
  expect(server.asked).toEqual(['lstat', 'posix-rename@openssh.com', 'stat']);
  const other = await sealed({}, 'old');
  other.server.asked.length = 0;
  other.server.quirks.beforeRename = () => {
    other.server.quirks.sizeLie = 1;
  };
  expect(await other.publish()).toEqual({ isAtomic: true, size: source.length - 1 });
  expect(other.server.asked).toEqual(['lstat', 'posix-rename@openssh.com', 'stat', 'stat']);
});

test('an old target that is moved aside is looked at once', async () => {
  const { server, publish } = await sealed({ posixRename: false }, 'old');
  server.asked.length = 0;
  expect(await publish()).toEqual({ isAtomic: false, size: source.length });
  // The partial file, the target, and the old target where it was moved to.
  expect(server.asked.filter((what) => what === 'lstat').length).toBe(3);
});

test.each([
  ['posix-rename', {}],
  ['no posix-rename', { posixRename: false }],
])('a refused rename leaves the old target as it was, and says why (%s)', async (_, quirks) => {
  const { server, publish, partial } = await sealed(
    { ...quirks, refuseRename: (_from, to) => to === '/home/f' },
    'old',
  );
  await expect(publish()).rejects.toMatchObject({
    code: 'rename-refused',
    exitCode: 4,
    message: expect.stringContaining('refused to rename'),
  });
  // Where it must be moved out of the way first, it cannot even be put back here: it must not be gone.
  expect([...server.disk.values()].map(({ bytes }) => bytes.toString('latin1'))).toContain('old');
  expect(server.read(partial)?.equals(source)).toBe(true);
});

test('a rename of the new file that is refused puts the old one back', async () => {
  const { server, publish, partial } = await sealed(
    { posixRename: false, refuseRename: (from) => from.endsWith('.mtpart') },
    'old',
  );
  await expect(publish()).rejects.toMatchObject({ code: 'rename-refused' });
  expect(server.read('/home/f')?.toString()).toBe('old');
  expect(server.paths).toEqual([partial, '/home/f']);
});

const { permissionDenied, failure, unsupported } = StatusCode;

test.each(
  [permissionDenied, failure, unsupported].flatMap((status) =>
    [true, false].flatMap((posixRename) => ['old', undefined].map((old) => ({ status, posixRename, old }))),
  ),
)('no rename at all: the partial is named, nothing is lost (%j)', async ({ status, posixRename, old }) => {
  const { server, publish, partial } = await sealed({ posixRename, refuseRename: () => status }, old);
  await expect(publish()).rejects.toMatchObject({
    code: 'rename-refused',
    exitCode: 4,
    message: expect.stringContaining(`refused to rename ${partial} to /home/f: `),
    refused: { operation: 'rename' },
  });
  expect(server.read('/home/f')?.toString()).toBe(old);
  expect(server.read(partial)?.equals(source)).toBe(true);
  expect(server.paths).toEqual([partial, ...(old === undefined ? [] : ['/home/f'])]);
});

test.each([permissionDenied, failure, unsupported])(
  'a posix-rename that is offered and refused (status %i): the plain one is tried',
  async (status) => {
    const { server, publish } = await sealed({ refusePosixRename: status });
    expect(await publish()).toEqual({ isAtomic: true, size: source.length });
    expect(server.paths).toEqual(['/home/f']);
  },
);

test('an old target that cannot be removed is named, and the copy is there', async () => {
  const { server, publish } = await sealed({ posixRename: false, refuseRemove: () => true }, 'old');
  const { isAtomic, size, warnings } = await publish();
  expect({ isAtomic, size }).toEqual({ isAtomic: false, size: source.length });
  const aside = server.paths.find((path) => path.endsWith('.mtold'))!;
  expect(warnings).toEqual([expect.stringContaining(`still there as ${aside}, which the server refuses to remove`)]);
  expect(server.read(aside)?.toString()).toBe('old');
  expect(server.read('/home/f')?.equals(source)).toBe(true);
  expect(server.paths).toHaveLength(2);
});

test('nothing is moved aside while what an earlier run moved there cannot be removed', async () => {
  const aside = '/home/.f.0123456789abcdef.mtold';
  const { server, publish, partial } = await sealed({ posixRename: false, refuseRemove: () => true }, 'old');
  server.put(aside, 'older');
  await expect(publish()).rejects.toMatchObject({
    code: 'rename-refused',
    message: expect.stringContaining(`refuses to remove ${aside}, which an earlier run moved aside`),
  });
  expect(server.read('/home/f')?.toString()).toBe('old');
  expect(server.paths).toEqual([aside, partial, '/home/f'].sort());
});

test('what an earlier run left aside is removed by the next run, and no similar files are', async () => {
  const others = ['/home/.f.0123456789abcdef.mtold.x', '/home/.g.0123456789abcdef.mtold', '/home/.f.mtold'];
  const { server, publish } = await sealed({ posixRename: false }, 'old');
  for (const path of ['/home/.f.0123456789abcdef.mtold', ...others]) server.put(path, 'older');
  await publish();
  expect(server.paths).toEqual(['/home/f', ...others].sort());
});

test.each([{}, { posixRename: false }])('a rename whose answer was lost is recognised (%j)', async (quirks) => {
  const { server, publish } = await sealed({ ...quirks, loseRenameAnswers: 1 });
  await expect(publish()).rejects.toMatchObject({ scope: 'connection' });
  expect(await publish(true)).toEqual({ isAtomic: true, size: source.length });
  expect(server.paths).toEqual(['/home/f']);
});

test('an old target that was only moved aside when the connection went is replaced the next time', async () => {
  const { server, publish } = await sealed({ posixRename: false, loseRenameAnswers: 1 }, 'old');
  await expect(publish()).rejects.toMatchObject({ scope: 'connection' });
  expect(server.read('/home/f')).toBeUndefined();
  await publish(true);
  expect(server.read('/home/f')?.equals(source)).toBe(true);
  expect(server.paths).toEqual(['/home/f']);
});

test('where only the answer to the last rename was lost, the old target is removed, and it was not one step', async () => {
  const quirks = { posixRename: false, renamesAnswered: 1, loseRenameAnswers: 1 };
  const { server, publish } = await sealed(quirks, 'old');
  await expect(publish()).rejects.toMatchObject({ scope: 'connection' });
  expect(server.read('/home/f')?.equals(source)).toBe(true);
  expect(server.paths, 'the old one waits aside').toHaveLength(2);
  expect(await publish(true)).toEqual({ isAtomic: false, size: source.length });
  expect(server.paths).toEqual(['/home/f']);
});

test.each([
  ['posix-rename', {}, 'old'],
  ['no posix-rename, target missing', { posixRename: false }, undefined],
  ['no posix-rename, target there', { posixRename: false }, 'old'],
] as const)(
  'a rename that comes through late, just before it is asked for again, is recognised (%s)',
  async (_, quirks, old) => {
    const { server, publish, partial } = await sealed(quirks, old);
    const comesThrough = (): void => {
      const file = server.disk.get(partial);
      if (file === undefined) return;
      server.disk.delete(partial);
      server.disk.set('/home/f', file);
    };
    server.quirks.beforeRename = comesThrough;
    expect(await publish(true)).toMatchObject({ size: source.length });
    expect(server.read('/home/f')?.equals(source)).toBe(true);
    expect(server.paths).toEqual(['/home/f']);
  },
);

test('a target that only looks like ours does not count as published where nothing was renamed yet', async () => {
  const { server, publish, partial } = await sealed({});
  const copy = server.disk.get(partial)!;
  server.disk.delete(partial);
  server.disk.set('/home/f', copy);
  await expect(publish()).rejects.toMatchObject({ code: 'partial-refused' });
});

test('a partial that somebody else changed is not published', async () => {
  for (const change of ['mtime', 'size', 'kind'] as const) {
    const { server, publish, partial } = await sealed({}, 'old');
    const file = server.disk.get(partial)!;
    if (change === 'mtime') file.mtimeSeconds++;
    if (change === 'size') file.bytes = Buffer.concat([file.bytes, Buffer.from('x')]);
    if (change === 'kind') file.kind = 'link';
    await expect(publish(), change).rejects.toMatchObject({ code: 'target-busy', exitCode: 12, retry: true });
    expect(server.read('/home/f')?.toString()).toBe('old');
  }
});

test('a partial file that somebody removed does not count as published', async () => {
  for (const old of [undefined, 'old']) {
    const { server, publish, partial } = await sealed({}, old);
    server.disk.delete(partial);
    await expect(publish()).rejects.toMatchObject({ code: 'partial-refused' });
    expect(server.read('/home/f')?.toString()).toBe(old);
  }
});

test('a file that was written in place needs no rename', async () => {
  const server = new StandInSftpServer();
  server.put('/home/f', 'old');
  const connection = await server.connection();
  const staged = await connection.stage(target, 'in-place');
  await staged.write(slicesOf({ offset: 0, length: source.length }), fillWith(source), () => {});
  const seal = await staged.seal({ size: source.length });
  expect(await connection.publish(staged.token, seal)).toEqual({ isAtomic: true, size: source.length });
  expect(server.asked).not.toContain('posix-rename@openssh.com');
  expect(server.read('/home/f')?.equals(source)).toBe(true);
});

test.each([
  ['something appeared where nothing was', 'nothing', undefined, 'theirs', true],
  ['another file took the place of the old one', 'old', 'old', 'theirs', true],
  ['the old one is gone', 'old', 'old', undefined, false],
  ['nothing happened', 'old', 'old', 'old', false],
] as const)('a target that somebody else changed is left alone: %s', async (_, before, old, now, isOvertaken) => {
  const { server, token, seal } = await sealed({}, old);
  const connection = await server.connection();
  const replaces = before === 'nothing' ? before : (await connection.stat(target))!;
  if (now === undefined) server.disk.delete('/home/f');
  else if (now !== old) server.put('/home/f', now);
  const published = connection.publish(token, seal, { replaces });
  if (isOvertaken) {
    await expect(published).rejects.toMatchObject({ code: 'target-busy', exitCode: 12 });
    expect(server.read('/home/f')?.toString()).toBe(now);
  } else {
    await published;
    expect(server.read('/home/f')?.equals(source)).toBe(true);
  }
});

interface Overtaking {
  /** What was there when the run began. */
  readonly old: string | undefined;
  /** Which rename of the run comes when another one has published, by its end. */
  readonly late: 'partial' | 'aside';
  /** Whether the server lets what was moved aside be put back. */
  readonly putsBack: boolean;
}

/** Another run publishes right before a rename of ours is carried out. */
async function overtaken({ old, late, putsBack }: Overtaking) {
  const it = await sealed({ posixRename: false }, old);
  const { server, token, seal, partial } = it;
  const connection = await server.connection();
  const replaces = old === undefined ? 'nothing' : (await connection.stat(target))!;
  let renames = 0;
  server.quirks.beforeRename = () => {
    if (++renames === (late === 'partial' ? 1 : 2)) server.put('/home/f', 'theirs', { mtimeSeconds: 2000 });
  };
  server.quirks.refuseRename = (from) => !putsBack && from.endsWith('.mtold');
  const failure = await connection.publish(token, seal, { replaces }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { failure, server, partial };
}

test.each<[string, Overtaking]>([
  ['before the new file could be renamed, where nothing was', { old: undefined, late: 'partial', putsBack: true }],
  ['before the new file could be renamed, where an old one was', { old: 'old', late: 'partial', putsBack: true }],
  ['before the old one was moved aside', { old: 'old', late: 'aside', putsBack: true }],
])('without posix-rename, what another run has published %s stays', async (_, overtaking) => {
  const { failure, server, partial } = await overtaken(overtaking);
  expect(failure).toMatchObject({ code: 'target-busy', exitCode: 12, retry: false });
  expect(server.read('/home/f')?.toString()).toBe('theirs');
  expect(server.paths).toEqual([partial, '/home/f']);
});

test('without posix-rename, what another run has published and cannot be put back is named', async () => {
  const { failure, server } = await overtaken({ old: 'old', late: 'aside', putsBack: false });
  const aside = server.paths.find((path) => path.endsWith('.mtold'))!;
  expect(server.read(aside)?.toString()).toBe('theirs');
  expect(failure).toMatchObject({
    code: 'target-busy',
    message: expect.stringContaining(`the file of the other run is now ${aside}`),
  });
});

test('what an earlier call moved aside late is not removed where it is not the old target', async () => {
  const { server, token, seal, partial } = await sealed({ posixRename: false }, 'old');
  const connection = await server.connection();
  const replaces = (await connection.stat(target))!;
  const aside = partial.replace(/mtpart$/, 'mtold');
  server.disk.delete('/home/f');
  server.put(aside, 'theirs', { mtimeSeconds: 2000 });
  const published = connection.publish(token, seal, { replaces, isRepeat: true });
  const kept = partial.replace(/mtpart$/, 'other');
  await expect(published).rejects.toMatchObject({ code: 'target-busy', message: expect.stringContaining(kept) });
  expect(server.read(kept)?.toString()).toBe('theirs');
  expect(server.read('/home/f')?.equals(source)).toBe(true);
  // The next run removes what was moved aside before it, and not this.
  const staged = await connection.stage(target, 'new');
  await staged.write(slicesOf({ offset: 0, length: source.length }), fillWith(source), () => {});
  const next = await staged.seal({ size: source.length });
  await connection.publish(staged.token, next, { replaces: (await connection.stat(target))! });
  expect(server.read(kept)?.toString()).toBe('theirs');
});

test('a target that somebody else wrote to while it was written in place is reported', async () => {
  const server = new StandInSftpServer();
  const connection = await server.connection();
  const staged = await connection.stage(target, 'in-place');
  await staged.write(slicesOf({ offset: 0, length: source.length }), fillWith(source), () => {});
  const seal = await staged.seal({ size: source.length, mtimeMs: MTIME_MS });
  server.disk.get('/home/f')!.mtimeSeconds++;
  await expect(connection.publish(staged.token, seal)).rejects.toMatchObject({ code: 'target-busy', exitCode: 12 });
});
