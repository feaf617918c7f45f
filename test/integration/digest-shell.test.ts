import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { DigestAlgorithm, Range } from '../../src/remotes/remote.ts';
import type { PathDigester } from '../../src/remotes/sftp/digests/path-digester.ts';
import { openShell } from '../../src/remotes/sftp/digests/shell.ts';
import { ENGINES, type Engine } from '../../src/remotes/sftp/digests/shell-script.ts';
import type { ShellConnection } from '../../src/remotes/sftp/digests/shell-session.ts';
import type { SshConnection } from '../../src/remotes/sftp/ssh/ssh-connection.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, proxyForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { partialOf } from '../support/partials.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { requireServer, type ServerName } from '../support/servers.ts';
import { sftpRemoteTo, transportTo } from '../support/sftp-remote-to.ts';
import { type SshdOptions, startSshd } from '../support/sshd.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier, tier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const PIECE = 1 << 20;
const COMMAND = 'exec /bin/sh';
/** For what will never be recognised. */
const SHORT_MS = 500;

interface Connected {
  readonly ssh: SshConnection;
  readonly connection: ShellConnection;
  /** All that was to be executed. */
  readonly commands: string[];
}

async function connect(server: TestServer, port?: number): Promise<Connected> {
  const transport = transportTo(server, port === undefined ? {} : { port });
  const ssh = await transport.open(1, new AbortController().signal);
  onTestFinished(() => ssh.close());
  const commands: string[] = [];
  const exec = (command: string) => {
    commands.push(command);
    return ssh.exec(command);
  };
  return { ssh, connection: { session: { closed: ssh.closed }, closed: ssh.closed, exec }, commands };
}

async function open(server: TestServer, engines?: readonly Engine[]): Promise<PathDigester> {
  const digester = await openShell((await connect(server)).connection, engines);
  onTestFinished(() => digester.close());
  return digester;
}

function digestOf(data: Buffer, { offset, length }: Range, algorithm: DigestAlgorithm): Buffer {
  return createHash(algorithm)
    .update(data.subarray(offset, offset + length))
    .digest();
}

function grid(size: number, pieceSize = PIECE): Range[] {
  const ranges: Range[] = [];
  for (let offset = 0; offset < size; offset += pieceSize) {
    ranges.push({ offset, length: Math.min(pieceSize, size - offset) });
  }
  return ranges;
}

/** The reply to SSH_FXP_INIT: the subsystem still works. */
async function expectSftp(ssh: SshConnection): Promise<void> {
  const reply = new Promise<Buffer>((resolve) => ssh.sftp.once('data', resolve));
  ssh.sftp.write(Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]));
  expect((await reply).readUInt32BE(5)).toBe(3);
}

/** Those of BSD and of Solaris are not on the systems that run tests. */
const TESTED: readonly Engine[] = ENGINES.filter((engine) => engine !== 'bsd' && engine !== 'digest');
/** What of it is not on every system. */
const NEEDED: Partial<Record<Engine, ServerName>> = {
  python3: 'python3',
  perl: 'shasum',
  shasum: 'shasum',
  openssl: 'openssl',
};

/**
 * The script does the same with these and with coreutils, but for the command that hashes: in the quick tier they show
 * that each of their commands is right.
 */
const LIKE_COREUTILS: readonly Engine[] = ['openssl', 'shasum'];

function describeEngine(engine: Engine, suite: () => void): void {
  const needed = NEEDED[engine];
  describeWithServers(needed === undefined ? [] : [needed], engine, suite);
}

describeWithServers(['sshd', 'sftp-server'], 'digests by a shell', () => {
  let server: TestServer;
  let dir: TempDir;
  const size = 5 * PIECE + 123_457;
  const data = randomBytes(size);

  beforeAll(async () => {
    server = await startSshd();
    dir = await makeTempDir('shell');
    await writeFile(dir.file('data'), data);
    await writeFile(dir.file('small'), data.subarray(0, 70_000));
  });

  afterAll(async () => {
    await server?.stop();
    await dir?.remove();
  });

  for (const engine of TESTED) {
    describeEngine(engine, () => {
      test('every algorithm that it claims, piece by piece', async () => {
        const digester = await open(server, [engine]);
        expect(digester.algorithms).toEqual(expect.arrayContaining(['sha256', 'sha512', 'sha1']));
        const ranges = grid(size);
        for (const algorithm of digester.algorithms) {
          const found = await digester.digests(Buffer.from(dir.file('data')), ranges, algorithm);
          expect(found).toEqual(ranges.map((range) => digestOf(data, range, algorithm)));
        }
      });

      test('many small files at once, whatever has become of some of them', async () => {
        const home = await tempDirForTest();
        const digester = await open(server, [engine]);
        const files = Array.from({ length: 100 }, (_, index) => ({
          path: Buffer.concat([Buffer.from(home.file(`file ${index} 'ä$(id)`)), Buffer.from([0xff])]),
          text: `content ${index}`,
        }));
        for (const { path, text } of files) await writeFile(path, text);
        await writeFile(files[3]!.path, 'short');
        await writeFile(files[50]!.path, `${files[50]!.text} and more`);
        await writeFile(files[70]!.path, '');
        await rm(files[90]!.path);
        execFileSync('mkfifo', [home.file('fifo')]);
        await rename(home.file('fifo'), files[90]!.path);
        const found = await Promise.allSettled(
          files.map(({ path, text }) => digester.digests(path, [{ offset: 0, length: text.length }], 'sha256')),
        );
        for (const [index, { text }] of files.entries()) {
          const digest = [3, 70].includes(index) ? undefined : createHash('sha256').update(text).digest();
          if (index === 90) expect(found[index]).toMatchObject({ reason: { code: 'unsupported' } });
          else expect(found[index], text).toEqual({ status: 'fulfilled', value: [digest] });
        }
      });

      if (LIKE_COREUTILS.includes(engine) && tier === 'quick') return;

      test('what the file does not have is no digest', async () => {
        const digester = await open(server, [engine]);
        const ranges = [
          { offset: 4 * PIECE, length: PIECE },
          { offset: 5 * PIECE, length: PIECE },
          { offset: 6 * PIECE, length: PIECE },
          { offset: 2 ** 40, length: 77 },
        ];
        const found = await digester.digests(Buffer.from(dir.file('data')), ranges, 'sha256');
        expect(found).toEqual([digestOf(data, ranges[0]!, 'sha256'), undefined, undefined, undefined]);
      });

      test('names that a shell would read', async () => {
        const home = await tempDirForTest();
        const digester = await open(server, [engine]);
        const names = [
          "it's",
          '"quoted"',
          '$(touch pwned)`touch pwned`',
          '; touch pwned; #',
          'two\nlines\n',
          ' blanks  and\ttabs ',
          '-rf',
          '*?[a]',
          '%s%b\\n\\0101\\c',
          '\\',
          '4+0 records in e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
          'äöü',
          Buffer.from([0xff, 0xfe, 0x01, 0x80, 0x7f, 0x1b]),
          'x'.repeat(255),
        ].map((name) => Buffer.concat([Buffer.from(`${home.path}/`), Buffer.from(name)]));
        for (const [index, path] of names.entries()) await writeFile(path, `content ${index}`);
        const found = await Promise.all(
          names.map((path, index) =>
            digester.digests(path, [{ offset: 0, length: `content ${index}`.length }], 'sha256'),
          ),
        );
        expect(found).toEqual(names.map((_, index) => [createHash('sha256').update(`content ${index}`).digest()]));
        await expect(readFile(`${server.home}/pwned`)).rejects.toMatchObject({ code: 'ENOENT' });
      });

      test('what is no file is refused, and the next call is answered', async () => {
        const home = await tempDirForTest();
        await mkdir(home.file('directory'));
        await symlink(home.file('nowhere'), home.file('dangling'));
        await symlink(dir.file('data'), home.file('link'));
        const digester = await open(server, [engine]);
        const range = { offset: 0, length: PIECE };
        const ask = (path: string) => digester.digests(Buffer.from(path), [range, range], 'sha256');
        const wrong = [home.file('missing'), home.file('directory'), home.file('dangling'), '/dev/zero'].map(ask);
        const right = ask(home.file('link'));
        for (const refused of await Promise.allSettled(wrong)) {
          expect(refused).toMatchObject({ reason: { code: 'unsupported', scope: 'file' } });
        }
        expect(await right).toEqual(Array(2).fill(digestOf(data, range, 'sha256')));
      });

      test('a file that another has replaced meanwhile is the new one', async () => {
        const home = await tempDirForTest();
        const path = home.file('replaced');
        const digester = await open(server, [engine]);
        const ranges = [{ offset: 0, length: 65_536 }];
        for (const part of [1, 2]) {
          await writeFile(home.file('new'), data.subarray(part * PIECE));
          await rename(home.file('new'), path);
          const found = await digester.digests(Buffer.from(path), ranges, 'sha256');
          expect(found).toEqual([digestOf(data, { offset: part * PIECE, length: 65_536 }, 'sha256')]);
        }
      });

      test('many small ranges in calls that overlap', async () => {
        const digester = await open(server, [engine]);
        // Some engines start several processes for each.
        const ranges = grid(byTier(PIECE + 12_345, size), 65_536);
        const path = Buffer.from(dir.file('data'));
        const calls = [ranges, ranges.slice(7), [], ranges.slice(0, 1)];
        const found = await Promise.all(calls.map((part) => digester.digests(path, part, 'sha256')));
        expect(found).toEqual(calls.map((part) => part.map((range) => digestOf(data, range, 'sha256'))));
      });

      test('close leaves no process, whatever is under way', async () => {
        const own = await sshdForTest();
        const { ssh, connection } = await connect(own);
        await expectSftp(ssh);
        const before = descendantsOf(own.pid).length;
        const digester = await openShell(connection, [engine]);
        expect(descendantsOf(own.pid).length).toBeGreaterThan(before);
        const under = digester.digests(Buffer.from(dir.file('data')), grid(size), 'sha256');
        const refused = expect(under).rejects.toMatchObject({ code: 'unsupported' });
        await digester.close();
        await refused;
        await waitFor(() => descendantsOf(own.pid).length === before, { what: 'the shell to be gone' });
        await expect(
          digester.digests(Buffer.from(dir.file('data')), [{ offset: 0, length: 1 }], 'sha256'),
        ).rejects.toMatchObject({ code: 'unsupported' });
        await digester.close();
      });

      if (engine === 'python3' || engine === 'perl') return;

      test('is started once for many small files', async () => {
        const home = await tempDirForTest();
        for (const name of ['dd', 'xargs']) {
          await writeFile(
            home.file(name),
            `#!/bin/sh\necho ${name} >>${home.file('log')}\nexec /usr/bin/${name} "$@"\n`,
            {
              mode: 0o755,
            },
          );
        }
        const digester = await open(await sshdForTest({ config: [`SetEnv PATH=${home.path}:/usr/bin:/bin`] }), [
          engine,
        ]);
        // Of as many bytes as one run of blocks has.
        const texts = Array.from({ length: 50 }, (_, index) => String(index).padStart(8, '-'));
        for (const text of texts) await writeFile(home.file(text), text);
        const found = await Promise.all(
          texts.map((text) =>
            digester.digests(Buffer.from(home.file(text)), [{ offset: 0, length: text.length }], 'sha1'),
          ),
        );
        expect(found).toEqual(texts.map((text) => [createHash('sha1').update(text).digest()]));
        const started = (await readFile(home.file('log'), 'utf8')).trimEnd().split('\n');
        // The first file comes alone, all others while it is hashed; dd is tried when the script begins.
        expect(started).toEqual(['dd', 'dd', 'xargs', 'xargs']);
      });
    });
  }

  test('where there is no xargs that can read such names, each file is hashed alone', async () => {
    const home = await tempDirForTest();
    await writeFile(home.file('xargs'), '#!/bin/sh\necho "xargs: illegal option -- 0" >&2\nexit 1\n', { mode: 0o755 });
    const own = await sshdForTest({ config: [`SetEnv PATH=${home.path}:/usr/bin:/bin`] });
    const digester = await open(own, ['coreutils']);
    const range = { offset: 0, length: 70_000 };
    const asked = Array.from({ length: 5 }, () => digester.digests(Buffer.from(dir.file('small')), [range], 'sha256'));
    expect(await Promise.all(asked)).toEqual(Array(5).fill([digestOf(data, range, 'sha256')]));
  });

  test('the best engine that works is taken', async () => {
    const home = (await tempDirForTest()).path;
    // As where python3 is there and cannot run, and perl has no Digest::SHA.
    for (const [name, text] of [
      ['python3', '#!/bin/sh\nexit 1\n'],
      ['perl', '#!/bin/sh\necho "no module" >&2; exit 3\n'],
      ['openssl', '#!/bin/sh\necho 00\n'],
    ] as const) {
      await writeFile(`${home}/${name}`, text, { mode: 0o755 });
    }
    const { connection } = await connect(await sshdForTest({ config: [`SetEnv PATH=${home}:/usr/bin:/bin`] }));
    const digester = await openShell(connection);
    expect(digester.algorithms).toEqual(['sha256', 'sha512', 'sha1', 'md5']);
    const range = { offset: 0, length: PIECE };
    const found = await digester.digests(Buffer.from(dir.file('data')), [range], 'sha256');
    expect(found).toEqual([digestOf(data, range, 'sha256')]);
    await digester.close();
  });

  test('nothing that hashes', async () => {
    const { connection } = await connect(await sshdForTest({ config: ['SetEnv PATH=/nonexistent'] }));
    await expect(openShell(connection)).rejects.toMatchObject({
      code: 'unsupported',
      message: 'The shell on the server has no program that computes digests.',
    });
  });

  test('of a connection: a path below home, and what is staged', async () => {
    const own = await sshdForTest();
    await writeFile(`${own.home}/source`, data);
    const remote = await sftpRemoteTo(own).connect(1, new AbortController().signal, () => {});
    onTestFinished(() => remote.close());
    const digester = await remote.digester('shell');
    expect(digester).toMatchObject({ method: 'shell', maxRangeLength: 1 << 30 });
    const ranges = grid(size);
    const expected = ranges.map((range) => digestOf(data, range, 'sha256'));
    expect(await digester.digests(Buffer.from('source'), ranges, 'sha256')).toEqual(expected);
    const staged = await remote.stage(Buffer.from('target'), 'new');
    await writeFile(await partialOf(own.home, 'target'), data.subarray(0, 2 * PIECE));
    expect(await digester.digests(staged.token, ranges, 'sha256')).toEqual(
      expected.map((digest, index) => (index < 2 ? digest : undefined)),
    );
    await staged.close();
    await digester.close();
  });

  test('paths that no file can have', async () => {
    const digester = await open(server);
    for (const path of ['', 'relative', '/with\0nul', `/${'x'.repeat(20_000)}`]) {
      const asked = digester.digests(Buffer.from(path), [{ offset: 0, length: 1 }], 'sha256');
      await expect(asked).rejects.toMatchObject({ code: 'unsupported' });
    }
  });

  test('an algorithm that is not there', async () => {
    const digester = await open(server, ['shasum']);
    expect(digester.algorithms).not.toContain('md5');
    const asked = digester.digests(Buffer.from(dir.file('data')), [{ offset: 0, length: 1 }], 'md5');
    await expect(asked).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('the server is asked to execute one string, whatever the file is called', async () => {
    const home = (await tempDirForTest()).path;
    const log = `${home}/executed`;
    await writeFile(
      `${home}/force`,
      `#!/bin/sh\nprintf '%s\\n' "$SSH_ORIGINAL_COMMAND" >> ${log}\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n`,
      { mode: 0o755 },
    );
    const { connection, commands } = await connect(await forced(`${home}/force`));
    const digester = await openShell(connection);
    const path = `${home}/$(id); 'x'`;
    await writeFile(path, 'content');
    const found = await digester.digests(Buffer.from(path), [{ offset: 0, length: 7 }], 'sha256');
    expect(found).toEqual([createHash('sha256').update('content').digest()]);
    await digester.close();
    expect(commands).toEqual([COMMAND]);
    // The other is the subsystem, of which sshd tells the command too.
    const executed = (await readFile(log, 'utf8')).trimEnd().split('\n');
    expect(executed).toHaveLength(2);
    expect(executed).toContain(COMMAND);
  });

  test('a connection that is cut', async () => {
    const own = await sshdForTest();
    const proxy = await proxyForTest(own, {});
    const { connection } = await connect(own, proxy.port);
    const digester = await openShell(connection);
    await proxy.stall('all');
    const asked = digester.digests(Buffer.from(dir.file('data')), [{ offset: 0, length: 1 }], 'sha256');
    const lost = expect(asked).rejects.toMatchObject({ code: 'connection-lost', scope: 'connection' });
    await proxy.reset('all');
    await lost;
    await expect(openShell(connection)).rejects.toMatchObject({ scope: 'connection' });
    await waitFor(() => own.sessionPids().length === 0, { what: 'the shell to be gone' });
  });

  describe('login shells', () => {
    /** As one whose rc file does that, before it runs the command. */
    async function noisy(rc: string): Promise<Connected> {
      const home = await tempDirForTest();
      await writeFile(home.file('rc'), rc, { mode: 0o755 });
      return connect(await forced(home.file('rc')));
    }
    const run = 'exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"';

    test.each([
      ['a greeting without a line end', 'printf "Welcome to this server: "'],
      ['much', 'head -c 500000 /dev/zero | tr "\\0" "x"'],
      ['many lines', 'yes mt-copy | head -n 50000'],
      ['on stderr', 'yes complaint | head -n 50000 >&2'],
    ])('that say something before: %s', async (_, noise) => {
      const { connection, ssh } = await noisy(`#!/bin/sh\n${onlyForCommands(noise)}\n${run}\n`);
      const digester = await openShell(connection);
      const range = { offset: PIECE, length: PIECE };
      const found = await digester.digests(Buffer.from(dir.file('data')), [range], 'sha256');
      expect(found).toEqual([digestOf(data, range, 'sha256')]);
      await digester.close();
      await expectSftp(ssh);
    });

    test('that never stop to say something', async () => {
      const { connection, ssh } = await noisy(`#!/bin/sh\n${onlyForCommands('exec yes')}\n${run}\n`);
      await expect(openShell(connection)).rejects.toMatchObject({ code: 'unsupported' });
      await expectSftp(ssh);
    });

    test('that swallow the script', async () => {
      const { connection, ssh } = await noisy(`#!/bin/sh\n${onlyForCommands('exec cat')}\n${run}\n`);
      await expect(openShell(connection, undefined, SHORT_MS)).rejects.toMatchObject({ code: 'unsupported' });
      await expectSftp(ssh);
    });
  });

  describe('servers without a shell: said within six seconds, and the connection stays of use', () => {
    async function expectRefusal(options: SshdOptions, message: RegExp, recogniseMs?: number): Promise<void> {
      const { connection, ssh } = await connect(await sshdForTest(options));
      const begun = performance.now();
      await expect(openShell(connection, undefined, recogniseMs)).rejects.toMatchObject({
        code: 'unsupported',
        scope: 'file',
        message: expect.stringMatching(message),
      });
      expect(performance.now() - begun).toBeLessThan(6000);
      await expectSftp(ssh);
    }

    test('ForceCommand internal-sftp', () =>
      expectRefusal({ forceSftp: true }, /ended with status 1: This service allows sftp connections only\.$/));

    test('a forced sftp-server', () =>
      expectRefusal({ config: [`ForceCommand ${requireServer('sftp-server')}`] }, /^The server gives no shell/));

    test('nologin', async () => {
      const command = '/usr/sbin/nologin';
      await expectRefusal(
        { config: [`ForceCommand ${await exceptForSftp(command)}`] },
        /ended with status 1: .*not available/,
      );
    });

    test('false', async () =>
      expectRefusal({ config: [`ForceCommand ${await exceptForSftp('/bin/false')}`] }, /ended with status 1\.$/));

    // The limit as it is only where there is time to wait for it.
    test.each(byTier([SHORT_MS], [SHORT_MS, undefined]))(
      'a command that says and does nothing',
      async (recogniseMs) => {
        const silent = await exceptForSftp('exec cat > /dev/null');
        await expectRefusal({ config: [`ForceCommand ${silent}`] }, /answers in time/, recogniseMs);
      },
    );

    test('PowerShell, by what it says', async () => {
      const says = `echo "exec: The term 'exec' is not recognized as a name of a cmdlet, function" >&2; exit 1`;
      await expectRefusal({ config: [`ForceCommand ${await exceptForSftp(says)}`] }, /is PowerShell, which is not/);
    });
  });
});

describeWithServers(['proftpd'], 'digests by a shell of proftpd', () => {
  test('there is none, and the connection stays of use', async () => {
    const { connection, ssh } = await connect(await proftpdForTest());
    await expect(openShell(connection)).rejects.toMatchObject({ code: 'unsupported', scope: 'file' });
    await expectSftp(ssh);
  });
});

/** A command is forced on the subsystem too, which has to go on. */
function onlyForCommands(script: string): string {
  return `case $SSH_ORIGINAL_COMMAND in exec*) ;; *) exec ${requireServer('sftp-server')} ;; esac\n${script}`;
}

async function exceptForSftp(command: string): Promise<string> {
  const dir = await tempDirForTest();
  await writeFile(dir.file('forced'), `#!/bin/sh\n${onlyForCommands(command)}\n`, { mode: 0o755 });
  return dir.file('forced');
}

function forced(command: string): Promise<TestServer> {
  return sshdForTest({ config: [`ForceCommand ${command}`], subsystem: requireServer('sftp-server') });
}
