/** Digests by `mt-copy-tools-cs` on real servers. */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CopyError } from '../../src/errors.ts';
import type { DigestAlgorithm, Digester, Range, RemoteConnection } from '../../src/remotes/remote.ts';
import { SftpRemote } from '../../src/remotes/sftp/sftp-remote.ts';
import type { SshTransport } from '../../src/remotes/sftp/ssh/ssh-connection.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { installHelper, installOriginal } from '../support/helper-program.ts';
import { requireServer } from '../support/servers.ts';
import { transportTo } from '../support/sftp-remote-to.ts';
import { type SshdOptions, startSshd } from '../support/sshd.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const PIECE = 65_536;
const content = Buffer.from(Array.from({ length: 5 * PIECE + 100 }, (_, i) => (i * 31 + (i >> 7)) & 0xff));
const pieces: readonly Range[] = Array.from({ length: 6 }, (_, i) => ({
  offset: i * PIECE,
  length: i < 5 ? PIECE : 100,
}));

function hex(algorithm: DigestAlgorithm, { offset, length }: Range, bytes: Buffer = content): string {
  return createHash(algorithm)
    .update(bytes.subarray(offset, offset + length))
    .digest('hex');
}

interface Scene {
  readonly server: TestServer;
  /** HOME and the first directory of PATH of what the server runs. */
  readonly home: string;
  readonly bin: string;
  readonly dir: TempDir;
  readonly connection: RemoteConnection;
  /** What the server was asked to execute. */
  readonly executed: string[];
}

/** The transport, which writes down what is executed. */
function recorded(transport: SshTransport, executed: string[]): SshTransport {
  const { spec, identity, keepaliveIntervalMs, isSettled } = transport;
  return {
    ...{ spec, identity, keepaliveIntervalMs, isSettled },
    async open(id, signal, admitted) {
      const connection = await transport.open(id, signal, admitted);
      const exec = connection.exec.bind(connection);
      const recording: typeof connection.exec = (command) => {
        executed.push(command);
        return exec(command);
      };
      return Object.assign(connection, { exec: recording });
    },
  };
}

/** Does something when what is made for a test, or for all tests of a suite, is not needed any more. */
type AtEnd = (end: () => Promise<void>) => void;

async function connectTo(server: TestServer, atEnd: AtEnd = onTestFinished) {
  const executed: string[] = [];
  const remote = new SftpRemote(recorded(transportTo(server), executed), { stallTimeoutMs: 30_000, inFlight: 'auto' });
  const connection = await remote.connect(1, new AbortController().signal, () => {});
  atEnd(() => connection.close());
  return { connection, executed };
}

async function scene(options: SshdOptions = {}, atEnd: AtEnd = onTestFinished): Promise<Scene> {
  const dir = await makeTempDir();
  atEnd(dir.remove);
  const [home, bin] = [dir.file('home'), dir.file('bin')];
  await Promise.all([mkdir(home), mkdir(bin)]);
  const path = `${bin}:${dirname(process.execPath)}:/usr/bin:/bin`;
  const config = [`SetEnv HOME=${home} PATH=${path}`, ...(options.config ?? [])];
  const server = await startSshd({ ...options, config });
  atEnd(server.stop);
  return { server, home, bin, dir, ...(await connectTo(server, atEnd)) };
}

/** A digester that is closed at the end, and of which nothing is left then. */
async function helperOf({ connection, server }: Scene, atEnd: AtEnd = onTestFinished): Promise<Digester> {
  const before = server.sessionPids();
  const digester = await connection.digester('helper');
  atEnd(async () => {
    await digester.close();
    await waitFor(() => server.sessionPids().every((pid) => before.includes(pid)), { what: 'no process to be left' });
  });
  return digester;
}

async function hexesOf(
  digester: Digester,
  path: string | Buffer,
  ranges: readonly Range[],
  algorithm: DigestAlgorithm,
) {
  const digests = await digester.digests(Buffer.from(path), ranges, algorithm);
  return digests.map((digest) => digest && Buffer.from(digest).toString('hex'));
}

async function refusal(work: Promise<unknown>): Promise<CopyError> {
  const begun = performance.now();
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CopyError)) throw new Error(`not refused: ${error}`);
  expect(performance.now() - begun).toBeLessThan(6000);
  return error;
}

/** The connection is as good as before. */
async function stillWorks(connection: RemoteConnection): Promise<void> {
  expect(await connection.stat(Buffer.from('.'))).toMatchObject({ kind: 'directory' });
}

const kinds = [
  ['ours', installHelper],
  ['one like the first', installOriginal],
] as const;

describeWithServers(['sshd', 'sftp-server'], 'digests by the helper, sshd', () => {
  describe.each(kinds)('%s on PATH', (_name, install) => {
    let place: Scene;
    let digester: Digester;
    const ends: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      const atEnd: AtEnd = (end) => void ends.push(end);
      place = await scene({}, atEnd);
      await install(place.bin);
      digester = await helperOf(place, atEnd);
    });

    afterAll(async () => {
      for (const end of ends.reverse()) await end();
    });

    test('every algorithm, piece by piece', async () => {
      const path = place.dir.file('file');
      await writeFile(path, content);
      expect(digester).toMatchObject({ method: 'helper', algorithms: ['sha256', 'sha512', 'sha1', 'md5'] });
      for (const algorithm of digester.algorithms) {
        expect(await hexesOf(digester, path, pieces, algorithm)).toEqual(pieces.map((piece) => hex(algorithm, piece)));
      }
      expect(await digester.digests(Buffer.from(path), [], 'md5')).toEqual([]);
      expect(place.executed).toEqual(['exec /bin/sh']);
    });

    test('what the file does not have whole has no digest', async () => {
      const path = place.dir.file('file');
      await writeFile(path, content.subarray(0, 2 * PIECE + 1));
      const wanted = pieces.map((piece, i) => (i < 2 ? hex('sha256', piece) : undefined));
      expect(await hexesOf(digester, path, pieces, 'sha256')).toEqual(wanted);
    });

    test('a missing file is refused, and the next one hashed', async () => {
      const path = place.dir.file('file');
      await writeFile(path, content);
      const error = await refusal(digester.digests(Buffer.from(`${path}.not`), pieces, 'sha256'));
      expect(error).toMatchObject({ code: 'unsupported', message: expect.stringMatching(/ENOENT|exit code 2/) });
      expect(await hexesOf(digester, path, pieces, 'sha256')).toEqual(pieces.map((piece) => hex('sha256', piece)));
    });

    test('hostile paths are names like others', async () => {
      const names = [
        'quotes \' " ` end',
        '$(touch "$HOME"owned) `touch "$HOME"owned` $PATH',
        'line\nbreak\n',
        '-m',
        '  blanks  ',
        'per %s cent \\n \\0101 \\c back',
        '; touch owned & | < > * ? [a] ~ # !',
        '\r\t\x01\x1b[31m',
        Buffer.from([0xff, 0xfe, 0x80, 0xc3, 0x28]),
        Buffer.from(Array.from({ length: 127 }, (_, i) => i + 128)),
      ];
      for (const [i, name] of names.entries()) {
        const path = Buffer.concat([Buffer.from(`${place.dir.path}/`), Buffer.from(name)]);
        const bytes = content.subarray(i);
        const file = await open(path, 'wx');
        await file.writeFile(bytes);
        await file.close();
        const piece = { offset: PIECE, length: PIECE };
        expect(await hexesOf(digester, path, [piece], 'sha256')).toEqual([hex('sha256', piece, bytes)]);
      }
      expect(place.executed).toEqual(['exec /bin/sh']);
      await expect(readFile(`${place.home}owned`)).rejects.toThrow('ENOENT');
      const nul = Buffer.from(`${place.dir.path}/a\0b`);
      expect(await refusal(digester.digests(nul, pieces, 'md5'))).toMatchObject({ code: 'unsupported' });
    });

    test('calls overlap, and are answered each for itself', async () => {
      const calls = await Promise.all(
        Array.from({ length: 12 }, async (_, i) => {
          const path = place.dir.file(`file-${i}`);
          const bytes = content.subarray(i);
          await writeFile(path, bytes);
          const ranges = pieces.slice(0, i % 5);
          return { digests: hexesOf(digester, path, ranges, 'sha1'), wanted: ranges.map((r) => hex('sha1', r, bytes)) };
        }),
      );
      for (const { digests, wanted } of calls) expect(await digests).toEqual(wanted);
    });
  });

  test.each(kinds)('%s in ~/.local/bin, behind rc files that talk', async (_name, install) => {
    const place = await scene();
    await writeFile(join(place.home, '.bashrc'), 'echo welcome; echo mt-copy-tools-cs; printf "no end of line"\n');
    await install(join(place.home, '.local/bin'));
    const path = place.dir.file('file');
    await writeFile(path, content);
    const digester = await helperOf(place);
    expect(await hexesOf(digester, path, pieces, 'sha256')).toEqual(pieces.map((piece) => hex('sha256', piece)));
  });

  test('ours is taken before one like the first', async () => {
    const place = await scene();
    await installOriginal(place.bin, '#!/bin/sh\n[ "$1" = -h ]\n');
    await installHelper(join(place.home, '.local/bin'));
    const path = place.dir.file('file');
    await writeFile(path, content);
    const digester = await helperOf(place);
    expect(await hexesOf(digester, path, pieces, 'md5')).toEqual(pieces.map((piece) => hex('md5', piece)));
  });

  test('many ranges in one call', async () => {
    const place = await scene();
    await installHelper(place.bin);
    const path = place.dir.file('file');
    await writeFile(path, content);
    await truncate(path, 2000 * PIECE);
    const ranges = Array.from({ length: 2001 }, (_, i) => ({ offset: i * PIECE, length: PIECE }));
    const hexes = await hexesOf(await helperOf(place), path, ranges, 'sha256');
    const zeros = hex('sha256', { offset: 0, length: PIECE }, Buffer.alloc(PIECE));
    expect(hexes.slice(0, 5)).toEqual(pieces.slice(0, 5).map((piece) => hex('sha256', piece)));
    expect(new Set(hexes.slice(6, 2000))).toEqual(new Set([zeros]));
    expect(hexes[2000]).toBeUndefined();
  });

  test('ours of another protocol is used as the first one was', async () => {
    const place = await scene();
    const program = await installHelper(place.dir.file('real'));
    const text = `#!/bin/sh\ncase $1 in --*) exit 1 ;; esac\nexec '${program}' "$@"\n`;
    await installOriginal(place.bin, text);
    const path = place.dir.file('file');
    await writeFile(path, content.subarray(0, 2 * PIECE + 1));
    const digester = await helperOf(place);
    const wanted = pieces.map((piece, i) => (i < 2 ? hex('sha512', piece) : undefined));
    expect(await hexesOf(digester, path, pieces, 'sha512')).toEqual(wanted);
  });

  test.each(kinds)('%s: closed while it hashes, it rejects and leaves no process', async (_name, install) => {
    const place = await scene();
    await install(place.bin);
    const path = place.dir.file('file');
    await writeFile(path, '');
    await truncate(path, 2 ** 30);
    const before = place.server.sessionPids();
    const digester = await place.connection.digester('helper');
    const ranges = Array.from({ length: 16 }, (_, i) => ({ offset: i * 2 ** 26, length: 2 ** 26 }));
    const failed = refusal(digester.digests(Buffer.from(path), ranges, 'sha512'));
    await digester.close();
    expect(await failed).toMatchObject({ code: 'unsupported' });
    const isGone = (): boolean => place.server.sessionPids().every((pid) => before.includes(pid));
    await waitFor(isGone, { what: 'no process to be left' });
    expect(await refusal(digester.digests(Buffer.from(path), ranges, 'sha512'))).toMatchObject({ code: 'unsupported' });
    await digester.close();
    await stillWorks(place.connection);
  });

  test.each(kinds)('%s: a connection that is lost rejects with its own scope', async (_name, install) => {
    const place = await scene();
    await install(place.bin);
    const path = place.dir.file('file');
    await writeFile(path, '');
    await truncate(path, 2 ** 30);
    const digester = await place.connection.digester('helper');
    const failed = refusal(digester.digests(Buffer.from(path), [{ offset: 0, length: 2 ** 30 }], 'sha512'));
    await place.server.killSessions();
    expect(await failed).toMatchObject({ scope: 'connection' });
    expect(await refusal(place.connection.digester('helper'))).toMatchObject({ scope: 'connection' });
    await digester.close();
  });

  test('a program that ends in between is told, and nothing but the digester suffers', async () => {
    const place = await scene();
    await installOriginal(place.bin, '#!/bin/sh\n[ "$1" = -h ] && exit 0\n[ "$1" = -m ] && kill -9 $PPID\n');
    const digester = await helperOf(place);
    expect(await refusal(digester.digests(Buffer.from('/f'), pieces, 'md5'))).toMatchObject({ code: 'unsupported' });
    await stillWorks(place.connection);
  });

  test.each([
    ['answers with another algorithm', 'echo 900150983cd24fb0d6963f7d28e17f72'],
    ['answers in capitals', 'echo A9993E364706816ABA3E25717850C26C9CD0D89DA9993E364706816ABA3E2571'],
    ['fails with a digest', 'echo a9993e364706816aba3e25717850c26c9cd0d89da9993e364706816aba3e2571; exit 6'],
    ['says nothing', ':'],
  ])('a program that %s is not believed', async (_what, command) => {
    const place = await scene();
    await installOriginal(place.bin, `#!/bin/sh\n[ "$1" = -h ] && exit 0\n${command}\n`);
    const digester = await helperOf(place);
    const result = await digester
      .digests(Buffer.from('/f'), pieces.slice(0, 1), 'sha256')
      .catch((error) => [error.code]);
    expect([undefined, 'unsupported']).toContain(result[0]);
  });

  async function expectUnsupported(place: Scene): Promise<void> {
    const before = place.server.sessionPids();
    expect(await refusal(place.connection.digester('helper'))).toMatchObject({ code: 'unsupported' });
    const isGone = (): boolean => place.server.sessionPids().every((pid) => before.includes(pid));
    await waitFor(isGone, { what: 'no process to be left' });
    await stillWorks(place.connection);
  }

  test.each([
    ['no such program', undefined],
    ['a program that cannot be run', '#!/nonexistent/interpreter\n'],
    ['another program of that name', '#!/bin/sh\nexit 1\n'],
    ['a program that only seems to serve', '#!/bin/sh\necho "mt-copy-tools-cs 1 (serve 1)"\n'],
    ['a program with another greeting', '#!/bin/sh\necho "mt-copy-tools-cs 1 (serve 1)"; [ "$1" = --serve ] && cat\n'],
    // Five seconds pass.
    ...byTier<[string, string][]>(
      [],
      [
        [
          'a program that does not greet',
          '#!/bin/sh\n[ "$1" = --serve ] && cat; echo "mt-copy-tools-cs 1 (serve 1)"\n',
        ],
      ],
    ),
  ])('%s: unsupported, without harm', async (_what, text) => {
    const place = await scene();
    if (text !== undefined) await installOriginal(place.bin, text);
    await expectUnsupported(place);
  });

  test.each([
    ['only SFTP', { forceSftp: true }],
    ['no other sessions', { config: ['MaxSessions 1'] }],
  ])('%s: unsupported, without harm', async (_what, options: SshdOptions) => {
    const place = await scene(options);
    await installHelper(place.bin);
    await expectUnsupported(place);
  });

  test.each([
    ['sftp-server', 'exec "$server"'],
    ['a shell that lets nobody in', 'echo This account is currently not available.; exit 1'],
    // That takes the whole limit; no-shell.test.ts has one in the quick tier.
    ...byTier<[string, string][]>(
      [],
      [
        ['a program that is silent', 'cat >/dev/null'],
        ['a program that echoes', 'cat'],
      ],
    ),
    ['a program that never ends a line', 'exec tr "\\000" x </dev/zero'],
    ['a program that prints without end', 'exec yes'],
  ])('%s instead of a shell: unsupported, without harm', async (_what, command) => {
    const dir = await tempDirForTest();
    // What stands for the user's shell here leaves the subsystem alone.
    const lines = [
      '#!/bin/sh',
      `server=${requireServer('sftp-server')}`,
      `case $SSH_ORIGINAL_COMMAND in exec*) ${command} ;; *) exec "$server" ;; esac`,
    ];
    await writeFile(dir.file('forced'), `${lines.join('\n')}\n`, { mode: 0o755 });
    await expectUnsupported(await scene({ config: [`ForceCommand ${dir.file('forced')}`] }));
  });
});

describeWithServers(['proftpd'], 'digests by the helper, proftpd', () => {
  test('runs no commands: unsupported, without harm', async () => {
    const { connection } = await connectTo(await proftpdForTest());
    expect(await refusal(connection.digester('helper'))).toMatchObject({ code: 'unsupported' });
    await stillWorks(connection);
  });
});
