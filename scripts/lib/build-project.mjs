// Bundles the library and the programs into dist/, with declarations; with --dev what tests, demo and benches run
// goes to build/, and the declarations stay as they are.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onSignal, run } from './children.mjs';
import { root } from './root.mjs';

const dist = join(root, 'dist');
const devOutput = join(root, 'build');
const lock = join(root, 'node_modules/.mt-copy-tools-build.lock');
const STAMP = '.built';
const SHEBANG = '#!/usr/bin/env node\n';

function filesBelow(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function sourcesIn(dir, pattern) {
  return filesBelow(join(root, dir))
    .map((path) => relative(root, path).replaceAll('\\', '/'))
    .filter((path) => pattern.test(path));
}

/** The program for servers: one file that is copied alone. */
const HELPER = 'cli/mt-copy-tools-cs';

function packageJson() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
}

/** The library, and each program that package.json names, save the helper. */
function programEntries() {
  const programs = Object.values(packageJson().bin)
    .filter((path) => path !== `dist/${HELPER}.js`)
    .map((path) => path.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts'));
  return ['src/index.ts', 'src/workers/worker-main.ts', ...programs];
}

function devEntries() {
  return [
    ...sourcesIn('demo', /^demo\/(demo|[^/]+-main)\.ts$/),
    ...sourcesIn('bench', /^bench\/[^/]+\.ts$/),
    ...sourcesIn('test/support', /-main\.ts$/),
  ];
}

async function bundle(entries, outdir, outbase) {
  if (entries.length === 0) return;
  // Not at the top: the scripts that look whether a build is needed run before anything is installed.
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir,
    outbase,
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: false,
    logLevel: 'warning',
  });
}

/** The exit code is that of wrong arguments (see classic.ts); 2 says that a file cannot be opened. */
const NODE_CHECK = [
  "var nodeVersion = process.versions.node.split('.').map(Number);",
  'if (nodeVersion[0] < 20 || (nodeVersion[0] === 20 && nodeVersion[1] < 19)) {',
  "  process.stderr.write('mt-copy-tools-cs needs Node 20.19 or later, this is ' + process.versions.node + '.\\n');",
  '  process.exit(1);',
  '}',
].join('\n');

/**
 * Without imports and exports: Node takes a file for CommonJS or for an ES module by its name and by the package.json
 * it finds above, and this one must run as either. A module has no `require`; every Node that our own package.json
 * makes take it for a module has `getBuiltinModule` (20.16).
 */
async function bundleHelper(outdir) {
  const { build } = await import('esbuild');
  const { name, version } = packageJson();
  await build({
    absWorkingDir: root,
    entryPoints: { [HELPER]: 'src/helper/mt-copy-tools-cs.ts' },
    outdir,
    bundle: true,
    format: 'iife',
    platform: 'node',
    // An old Node must get as far as the check of its version in the banner, so it must understand all of the syntax.
    target: 'node12',
    supported: { 'node-colon-prefix-require': true },
    define: { PACKAGE_VERSION: JSON.stringify(version) },
    banner: {
      js: [
        // By this line --install-helper knows its own: src/remotes/sftp/install-helper/helper-mark.ts.
        `// mt-copy-tools-cs ${version} of ${name}`,
        NODE_CHECK,
        "var require = typeof require === 'function' ? require : process.getBuiltinModule;",
      ].join('\n'),
    },
    logLevel: 'warning',
  });
}

function makeExecutable(path) {
  const code = readFileSync(path, 'utf8');
  if (!code.startsWith('#!')) writeFileSync(path, SHEBANG + code);
  chmodSync(path, 0o755);
}

async function declarations(outDir) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', outDir];
  const code = await run(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (code !== 0) throw new Error('tsc found errors');
}

/** File by file, so that a program that starts meanwhile finds each either old or new; then what is stale goes. */
function replaceOutput(from, to, keeps = () => false) {
  const fresh = new Set(filesBelow(from).map((path) => relative(from, path)));
  for (const name of fresh) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    renameSync(join(from, name), join(to, name));
  }
  for (const path of filesBelow(to)) {
    const name = relative(to, path);
    if (!fresh.has(name) && !keeps(name)) rmSync(path, { force: true });
  }
}

function holderIsAlive() {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    if (!pid) return Date.now() - statSync(lock).mtimeMs < 5_000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function withLock(action) {
  for (const deadline = Date.now() + 120_000; ; await sleep(50)) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!holderIsAlive()) rmSync(lock, { force: true });
      else if (Date.now() > deadline) throw new Error('Another build does not come to its end');
    }
  }
  const release = () => rmSync(lock, { force: true });
  const forget = onSignal(release);
  try {
    return await action();
  } finally {
    release();
    forget();
  }
}

export async function build({ dev = false } = {}) {
  await withLock(async () => {
    const begun = new Date();
    const work = mkdtempSync(join(root, 'node_modules/.mt-copy-tools-build-'));
    const removeWork = () => rmSync(work, { recursive: true, force: true });
    const forget = onSignal(removeWork);
    try {
      const programs = programEntries();
      const missing = programs.filter((path) => !existsSync(join(root, path)));
      if (missing.length > 0 && !dev) throw new Error(`Missing: ${missing.join(', ')}`);
      await bundle(
        programs.filter((path) => !missing.includes(path)),
        join(work, 'dist'),
        'src',
      );
      await bundleHelper(join(work, 'dist'));
      for (const path of filesBelow(join(work, 'dist/cli'))) makeExecutable(path);
      if (dev) await bundle(devEntries(), join(work, 'build'), '.');
      else await declarations(join(work, 'dist/types'));
      replaceOutput(join(work, 'dist'), dist, (name) => dev && name.startsWith('types'));
      if (!dev) return;
      // The time it began: what is edited while it runs is newer.
      writeFileSync(join(work, 'build', STAMP), '');
      utimesSync(join(work, 'build', STAMP), begun, begun);
      replaceOutput(join(work, 'build'), devOutput);
    } finally {
      removeWork();
      forget();
    }
  });
}

/** Whether something the development build is made of is newer than it. */
export function devBuildIsStale() {
  const stamp = statSync(join(devOutput, STAMP), { throwIfNoEntry: false });
  if (stamp === undefined || !existsSync(join(dist, 'cli/mtput.js'))) return true;
  const inputs = ['src', 'demo', 'bench', 'test/support', 'scripts'].flatMap((dir) => filesBelow(join(root, dir)));
  return [...inputs, join(root, 'package.json')].some((path) => statSync(path).mtimeMs > stamp.mtimeMs);
}
