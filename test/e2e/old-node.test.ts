/** With a Node that is too old, every script and every program says so, and does nothing else. */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../support/process.ts';
import { repoRoot } from '../support/repo-root.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';

/**
 * Has this Node claim to be another version; what older ones cannot parse is tested with older ones in the full tier.
 */
const PRETEND = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } });\n`;
const TOO_OLD = /^\S+ needs Node 20\.19 or later, this is 20\.18\.3\.\n$/;

const packageJson = JSON.parse(await readFile(join(repoRoot, 'package.json'), 'utf8'));

let dir: TempDir;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  dir = await makeTempDir('old-node');
  await writeFile(dir.file('pretend.cjs'), PRETEND);
  await mkdir(dir.file('bin'));
  await symlink(process.execPath, dir.file('bin', 'node'));
  const path = [dir.file('bin'), join(repoRoot, 'node_modules/.bin'), '/usr/bin', '/bin'].join(delimiter);
  env = { PATH: path, HOME: dir.path, NODE_OPTIONS: `--require ${dir.file('pretend.cjs')}` };
});

afterAll(() => dir.remove());

test.each(Object.entries<string>(packageJson.scripts))('npm run %s', async (_name, script) => {
  const result = await run('sh', ['-c', script], { cwd: repoRoot, env });
  expect(result).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).toMatch(TOO_OLD);
});

test('.ci/run', async () => {
  const result = await run('bash', [join(repoRoot, '.ci/run')], { cwd: repoRoot, env });
  expect(result).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).toMatch(TOO_OLD);
});

test.each(['--version', '--help', 'f host:'])('mtput %s', async (args) => {
  const result = await run(join(repoRoot, packageJson.bin.mtput), args.split(' '), { env });
  expect(result).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).toMatch(TOO_OLD);
});

test.each(['--version', '--serve', '-m md5 -f f'])('mt-copy-tools-cs %s', async (args) => {
  const result = await run(join(repoRoot, packageJson.bin['mt-copy-tools-cs']), args.split(' '), { env, input: '' });
  // As for wrong arguments; its 2 says that a file cannot be opened.
  expect(result).toMatchObject({ code: 1, stdout: '' });
  expect(result.stderr).toMatch(TOO_OLD);
});

test('import of the library', async () => {
  const url = pathToFileURL(join(repoRoot, 'dist/index.js'));
  const code = `import('${url}').catch((error) => { console.error(error.message); process.exitCode = 3; });`;
  const result = await run(process.execPath, ['-e', code], { env, cwd: dirname(repoRoot) });
  expect(result.code).toBe(3);
  expect(result.stderr).toMatch(TOO_OLD);
});
