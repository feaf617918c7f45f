/** Whether a large file can be renamed is found out before it is sent. */
import { expect, test } from 'vitest';
import { StatusCode } from '../../../../src/remotes/sftp/codec/constants.ts';
import { type Quirks, StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';
import { fillWith, slicesOf, sourceBytes } from './staging.ts';

const LARGE = 1_000_000;
const target = Buffer.from('/home/f');
const { permissionDenied, failure, unsupported } = StatusCode;
const renames = (server: StandInSftpServer): number => server.asked.filter((type) => type.includes('rename')).length;

async function stage(quirks: Partial<Quirks>, size: number = LARGE) {
  const server = new StandInSftpServer(quirks);
  const connection = await server.connection();
  return { server, connection, staging: connection.stage(target, 'new', size) };
}

test('the file is renamed and renamed back directly after the OPEN, under new names', async () => {
  const moved: string[][] = [];
  const { server, connection, staging } = await stage({
    refuseRename: (...names) => {
      moved.push(names);
      return false;
    },
  });
  const file = await staging;
  const { partial } = file.token;
  expect(moved).toEqual([
    [partial, moved[0]![1]],
    [moved[0]![1], partial],
  ]);
  expect(moved[0]![1]).toMatch(/^\/home\/\.f\.[0-9a-f]{16}\.mtpart$/);
  expect(server.asked.slice(0, 4)).toEqual(['open', 'setstat', 'posix-rename@openssh.com', 'posix-rename@openssh.com']);
  const source = sourceBytes(LARGE);
  await file.write(slicesOf({ offset: 0, length: LARGE }), fillWith(source), () => {});
  await connection.publish(file.token, await file.seal({ size: LARGE, mode: 0o600 }));
  expect(server.paths).toEqual(['/home/f']);
});

test('a small file is sent without a trial', async () => {
  const { server, staging } = await stage({}, 1000);
  await staging;
  expect(renames(server)).toBe(0);
});

test.each(
  [permissionDenied, failure, unsupported].flatMap((status) => [true, false].map((posix) => [status, posix] as const)),
)('a server that refuses to rename (status %i, posix-rename %s): nothing is left', async (status, posixRename) => {
  const { server, staging } = await stage({ posixRename, refuseRename: () => status });
  await expect(staging).rejects.toMatchObject({
    code: 'rename-refused',
    exitCode: 4,
    message: expect.stringMatching(/^The server refused to rename \/home\/\.f\.\S*mtpart, which was tried before/),
    refused: { operation: 'rename' },
  });
  expect(server.paths).toEqual([]);
  expect(server.openHandles).toBe(0);
});

test('a file that cannot be removed either is named', async () => {
  const { server, staging } = await stage({ refuseRename: () => true, refuseRemove: () => true });
  const error = await staging.then(
    () => undefined,
    (failed: Error) => failed,
  );
  expect(server.paths.length).toBeGreaterThan(0);
  for (const path of server.paths) expect(error?.message).toContain(path);
});

test.each([permissionDenied, failure, unsupported])(
  'posix-rename that is offered and refused (%i): the plain rename is what the commit takes',
  async (status) => {
    const { server, staging } = await stage({ refusePosixRename: status });
    const file = await staging;
    expect(server.paths).toEqual([file.token.partial]);
  },
);

test('a refusal to rename an open file proves nothing', async () => {
  const server: StandInSftpServer = new StandInSftpServer({
    refuseRename: (from): boolean => [...server.handles].some(({ path }) => path === from),
  });
  const connection = await server.connection();
  const file = await connection.stage(target, 'new', LARGE);
  expect(server.paths).toEqual([file.token.partial]);
  await connection.publish(file.token, await file.seal({ size: 0, mode: 0o600 }));
  expect(server.paths).toEqual(['/home/f']);
});

test('a file that is invisible before it is closed proves nothing', async () => {
  const { staging } = await stage({ privateTemporary: true });
  expect((await staging).token).toBeDefined();
});

test('where renaming back is refused, the file keeps its other name', async () => {
  let first: string | undefined;
  const { server, connection, staging } = await stage({
    refuseRename: (from, to) => {
      first ??= from;
      return to === first;
    },
  });
  const file = await staging;
  expect(file.token.partial).not.toBe(first);
  expect(server.paths).toEqual([file.token.partial]);
  await connection.publish(file.token, await file.seal({ size: 0, mode: 0o600 }));
  expect(server.paths).toEqual(['/home/f']);
});

test('where the old target could not be removed after it was moved aside, nothing is sent', async () => {
  const aside = '/home/.f.0123456789abcdef.mtold';
  const server = new StandInSftpServer({ posixRename: false, refuseRemove: () => true });
  server.put('/home/f', 'old');
  server.put(aside, 'older');
  const staging = (await server.connection()).stage(target, 'new', LARGE);
  await expect(staging).rejects.toMatchObject({ code: 'rename-refused', message: expect.stringContaining(aside) });
  expect(server.paths).toEqual([aside, '/home/f']);
});
