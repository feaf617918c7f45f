/** The built program, as one types it, where no server is needed. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repoRoot } from '../support/repo-root.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { byTier } from '../support/tier.ts';

const program = join(repoRoot, 'dist/cli/mtput.js');
const { version } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as { version: string };
const ownVariables = /^(MT_COPY_|SSH_ASKPASS|DISPLAY$)/;
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ownVariables.test(name)));

let dir: TempDir;
beforeAll(async () => {
  dir = await makeTempDir('usage');
});
afterAll(() => dir.remove());

function mtput(args: readonly string[], env: Record<string, string> = {}, path = program) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...args], {
    cwd: dir.path,
    env: { ...environment, ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

describe('mtput', () => {
  it.each(['--version', ...byTier([], ['-V'])])('%s', (option) => {
    expect(mtput([option])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each(['--help', ...byTier([], ['-h'])])('%s', (option) => {
    const { status, stdout, stderr } = mtput([option]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Usage: mtput [options] SOURCE... [USER@]HOST:[PATH]');
    expect(stdout).toContain('-n, -t, --connections, --threads N');
  });

  // Each message is in test/unit/cli/: here, that they are printed.
  it.each<[string[], string]>([
    [[], 'Nothing to copy was given'],
    [['-p', '2222', 'f', 'host:'], 'write -P 2222'],
    [['f', '--', '-oProxyCommand=x:'], "begins with '-'"],
    [['f', 'sftp://u:secret@host/'], 'MT_COPY_PASSWORD'],
    ...byTier<[string[], string][]>(
      [],
      [
        [['f', 'host'], 'write host: with the colon'],
        [['-n', 'big.iso', 'host:'], '-n takes a number of connections'],
        [['-l', '100', 'f', 'host:'], 'write --limit with a unit'],
        [['-s', '5M', 'f', 'host:'], 'Use 4M or 8M'],
        [['--limit', '10', 'f', 'host:'], 'has no unit'],
        [['--verify', 'crc', 'f', 'host:'], 'The values are auto, hash, read-back, size, none'],
        [['--report', 'x', 'f', 'host:'], "There is no option '--report'"],
        [['--force', '--checksum', 'f', 'host:'], '--force and --checksum contradict each other'],
        [['-oProxyCommand=x:'], 'Nothing to copy'],
        [['f', 'sftp://host/%1'], 'two hex digits'],
      ],
    ),
  ])('%j is a usage error: %s', (args, message) => {
    const { status, stdout, stderr } = mtput(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^mtput: [^\n]+[.!?]\n[^\n]+[.!?]\n$/);
    expect(stderr).not.toContain('secret');
  });

  it('names a variable that is wrong', () => {
    const { status, stderr } = mtput(['f', 'host:'], { MT_COPY_CONNECTIONS: 'many' });
    expect(status).toBe(2);
    expect(stderr).toContain("MT_COPY_CONNECTIONS takes a number of connections, not 'many'");
  });

  it('prints no control characters', () => {
    const { status, stderr } = mtput(['f', 'a\x1b[2Jb']);
    expect(status).toBe(2);
    expect(stderr).toContain("'a\\x1b[2Jb'");
  });

  it.runIf(process.platform === 'linux')('keeps arguments that are not UTF-8', () => {
    const script = `exec "${process.execPath}" "${program}" f "$(printf 'a\\377b')"`;
    const { status, stderr } = spawnSync('sh', ['-c', script], { env: environment, encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toContain("'a\\xffb'");
  });

  it('needs neither SSH nor the display for what it can say at once', () => {
    // Nothing but commander is installed here: whatever else is loaded fails.
    cpSync(join(repoRoot, 'dist'), dir.file('bare/dist'), { recursive: true });
    mkdirSync(dir.file('bare/node_modules'));
    symlinkSync(join(repoRoot, 'node_modules/commander'), dir.file('bare/node_modules/commander'), 'junction');
    writeFileSync(
      dir.file('bare/package.json'),
      JSON.stringify({ name: 'mt-copy-tools', version: '9.9.9', type: 'module' }),
    );
    const bare = dir.file('bare/dist/cli/mtput.js');
    expect(mtput(['--version'], {}, bare)).toMatchObject({ status: 0, stdout: '9.9.9\n' });
    expect(mtput(['--help'], {}, bare).status).toBe(0);
    expect(mtput(['x'], {}, bare).status).toBe(2);
  });

  it.runIf(process.platform !== 'win32')('does not mind a reader that goes away', () => {
    const script = `{ "${process.execPath}" "${program}" --help; echo "code $?" >&2; } | true`;
    const { stderr } = spawnSync('sh', ['-c', script], { env: environment, encoding: 'utf8' });
    expect(stderr).toBe('code 0\n');
  });
});
