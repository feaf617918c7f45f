/**
 * The layers, as a table: who may import what. An import of types counts like any other. A layer is the first row
 * whose pattern fits the path of the file below src/.
 */
import { dirname, posix } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { sourceFiles as files, parse, sourceText } from '../support/source-files.ts';

interface Layer {
  readonly name: string;
  readonly files: RegExp;
  /** Names of layers beside its own; a file of a layer stands for itself. */
  readonly mayImport: readonly string[];
  /** `node:*`: any module of Node. */
  readonly packages: readonly string[];
}

const SFTP = 'remotes/sftp';

/** The folders of the engine, and which of the others each may import. */
const INSIDE_ENGINE: Readonly<Record<string, readonly string[]>> = {
  runner: [],
  tree: [],
  local: ['runner', 'tree'],
  lock: ['runner'],
  schedule: ['runner'],
  connections: ['runner'],
  resume: ['connections', 'schedule', 'local', 'runner'],
  verify: ['connections', 'schedule', 'local', 'runner'],
  transfer: ['connections', 'schedule', 'local', 'lock', 'resume', 'verify', 'runner', 'tree'],
  upload: ['connections', 'schedule', 'local', 'lock', 'resume', 'verify', 'runner', 'tree', 'transfer'],
  download: ['connections', 'schedule', 'local', 'lock', 'resume', 'verify', 'runner', 'tree', 'transfer'],
};
const ENGINE: readonly string[] = Object.keys(INSIDE_ENGINE).map((folder) => `engine/${folder}`);

function engineLayers(): Layer[] {
  const packages: Readonly<Record<string, readonly string[]>> = { connections: ['p-retry'], resume: ['env-paths'] };
  const inner = Object.entries(INSIDE_ENGINE).map(([folder, others]) => ({
    name: `engine/${folder}`,
    files: new RegExp(`^engine/${folder}/`),
    mayImport: [...others.map((other) => `engine/${other}`), 'engine', 'remote', 'errors', 'util'],
    packages: ['node:*', ...(packages[folder] ?? [])],
  }));
  // Events, and who guards the observers.
  const outer = { name: 'engine', files: /^engine\/[a-z-]+\.ts$/, mayImport: ['errors', 'util'], packages: ['node:*'] };
  return [...inner, outer];
}

const layers: readonly Layer[] = [
  { name: 'errors', files: /^errors\.ts$/, mayImport: [], packages: ['node:*'] },
  { name: 'util', files: /^util\//, mayImport: [], packages: ['node:*'] },
  {
    name: 'remote',
    files: /^remotes\/(remote|attributes|seal|situation|stage)\.ts$/,
    mayImport: ['errors', 'util'],
    packages: [],
  },
  {
    name: 'open-remote',
    files: /^remotes\/open-remote\.ts$/,
    mayImport: ['remote', 'sftp', 'errors'],
    packages: [],
  },
  { name: 'codec', files: new RegExp(`^${SFTP}/codec/`), mayImport: ['errors', 'util'], packages: [] },
  {
    name: 'session',
    files: new RegExp(`^${SFTP}/session(-[a-z-]+)?\\.ts$`),
    mayImport: ['codec', 'errors', 'util'],
    packages: ['node:*'],
  },
  {
    name: 'sftp',
    files: new RegExp(`^${SFTP}/`),
    mayImport: ['remote', 'session', 'codec', 'helper/framing.ts', 'errors', 'util'],
    packages: ['node:*', 'ssh2', 'ssh2/lib/protocol/crypto.js', '@noble/hashes/argon2.js'],
  },
  ...engineLayers(),
  {
    name: 'workers',
    files: /^workers\//,
    mayImport: [
      'engine/runner',
      'engine/local',
      'remote',
      'open-remote',
      `${SFTP}/ssh/wasm-memory.ts`,
      'errors',
      'util',
    ],
    packages: ['node:*'],
  },
  { name: 'helper', files: /^helper\//, mayImport: ['errors', 'util/line-splitter.ts'], packages: ['node:*'] },
  {
    name: 'ui',
    files: /^ui\//,
    mayImport: ['engine/events.ts', 'errors', 'util'],
    packages: ['node:*', 'log-update'],
  },
  { name: 'defaults', files: /^transfer-defaults\.ts$/, mayImport: [], packages: [] },
  {
    name: 'transfer',
    files: /^transfer\.ts$/,
    mayImport: [...ENGINE, 'engine', 'workers', 'remote', 'open-remote', 'sftp', 'defaults', 'errors', 'util'],
    packages: ['node:*'],
  },
  {
    name: 'index',
    files: /^index\.ts$/,
    mayImport: ['transfer', 'engine/events.ts', 'remote', 'sftp', 'errors', 'util/require-node.ts'],
    packages: [],
  },
  {
    name: 'cli',
    files: /^cli\//,
    mayImport: ['transfer', 'defaults', 'ui', 'remote', 'open-remote', 'sftp', 'errors', 'util'],
    packages: ['node:*', 'commander'],
  },
];

/** Packages that only files of this pattern may import, within what their layer may. */
const onlyThere: readonly { readonly package: string; readonly files: RegExp }[] = [
  // The session runs on any Duplex; SSH is one way to have one.
  { package: 'ssh2', files: new RegExp(`^${SFTP}/ssh/`) },
  { package: 'ssh2/lib/protocol/crypto.js', files: new RegExp(`^${SFTP}/ssh/ssh2-internals\\.ts$`) },
  { package: 'ssh-config', files: new RegExp(`^${SFTP}/ssh/`) },
  { package: 'log-update', files: /^ui\/terminal\.ts$/ },
  { package: 'env-paths', files: /^engine\/resume\/journal-place\.ts$/ },
];

/** These may be imported for their types alone. */
const typesOnly: readonly { readonly from: string; readonly of: string }[] = [
  ...ENGINE.map((layer) => ({ from: layer, of: 'remote' })),
  { from: 'ui', of: 'engine/events.ts' },
  { from: 'index', of: 'engine/events.ts' },
  { from: 'index', of: 'remote' },
  { from: 'index', of: 'sftp' },
];

interface Import {
  readonly file: string;
  readonly specifier: string;
  readonly types: boolean;
}

function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (node: ts.Node | undefined, types: boolean): void => {
    if (node === undefined) return;
    if (!ts.isStringLiteralLike(node)) throw new Error(`${file} imports something that is computed`);
    found.push({ file, specifier: node.text, types });
  };
  const onlyTypes = (elements: ts.NodeArray<ts.ImportSpecifier | ts.ExportSpecifier>): boolean =>
    elements.length > 0 && elements.every(({ isTypeOnly }) => isTypeOnly);
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const { importClause: clause } = node;
      const named = clause?.namedBindings;
      const types =
        clause?.phaseModifier === ts.SyntaxKind.TypeKeyword ||
        (clause?.name === undefined && named !== undefined && ts.isNamedImports(named) && onlyTypes(named.elements));
      add(node.moduleSpecifier, types);
    } else if (ts.isExportDeclaration(node)) {
      const { exportClause: clause } = node;
      const types =
        node.isTypeOnly || (clause !== undefined && ts.isNamedExports(clause) && onlyTypes(clause.elements));
      add(node.moduleSpecifier, types);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    } else if (ts.isCallExpression(node)) {
      const { expression } = node;
      const isRequire = ts.isIdentifier(expression) && /^(require|createRequire)$/.test(expression.text);
      if (expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false);
      else if (isRequire && node.arguments[0] !== undefined && ts.isStringLiteralLike(node.arguments[0])) {
        add(node.arguments[0], false);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(file, text));
  return found;
}

function layerOf(file: string): Layer {
  const layer = layers.find((candidate) => candidate.files.test(file));
  if (layer === undefined) throw new Error(`src/${file} belongs to no layer`);
  return layer;
}

/** What is wrong with an import; undefined: nothing. */
function objection({ file, specifier, types }: Import): string | undefined {
  const layer = layerOf(file);
  if (!specifier.startsWith('.')) {
    const name = specifier.startsWith('node:') ? 'node:*' : specifier;
    if (!layer.packages.includes(name)) return `${file}: ${layer.name} may not import ${specifier}`;
    const place = onlyThere.find((rule) => rule.package === specifier);
    return place === undefined || place.files.test(file) ? undefined : `${file} may not import ${specifier}`;
  }
  const target = posix.normalize(posix.join(dirname(file), specifier));
  if (target.startsWith('..')) return `${file} imports ${specifier}, outside of src/`;
  if (!files.includes(target)) return `${file} imports ${specifier}, which is no file`;
  const other = layerOf(target);
  if (other === layer) return undefined;
  const allowed = [target, other.name].find((name) => layer.mayImport.includes(name));
  if (allowed === undefined) return `${file}: ${layer.name} may not import ${target} (${other.name})`;
  const mustBeTypes = typesOnly.some((rule) => rule.from === layer.name && rule.of === allowed);
  return mustBeTypes && !types ? `${file}: ${layer.name} may import only types of ${target}` : undefined;
}

let found: Import[] | undefined;

function allImports(): readonly Import[] {
  found ??= files.flatMap((file) => importsOf(file, sourceText(file)));
  return found;
}

test('every file belongs to a layer', () => {
  expect(files.length).toBeGreaterThan(50);
  for (const file of files) expect(() => layerOf(file)).not.toThrow();
});

test('every import is allowed by the table', () => {
  const imports = allImports();
  expect(imports.length).toBeGreaterThan(200);
  expect(imports.map(objection).filter((wrong) => wrong !== undefined)).toEqual([]);
});

/** Files that import each other, directly or by way of others; each group once. */
function cyclesIn(imports: readonly Pick<Import, 'file' | 'specifier'>[]): string[][] {
  const importedBy = new Map<string, string[]>();
  for (const { file, specifier } of imports) {
    if (!specifier.startsWith('.')) continue;
    const target = posix.normalize(posix.join(dirname(file), specifier));
    importedBy.set(file, [...(importedBy.get(file) ?? []), target]);
  }
  const reachableFrom = (file: string): Set<string> => {
    const reached = new Set<string>();
    const next = [...(importedBy.get(file) ?? [])];
    for (let one = next.pop(); one !== undefined; one = next.pop()) {
      if (reached.has(one)) continue;
      reached.add(one);
      next.push(...(importedBy.get(one) ?? []));
    }
    return reached;
  };
  const reachable = new Map([...importedBy.keys()].map((file) => [file, reachableFrom(file)]));
  const groups = new Map<string, string[]>();
  for (const [file, reached] of reachable) {
    if (!reached.has(file)) continue;
    const group = [...reached].filter((other) => reachable.get(other)?.has(file)).sort();
    groups.set(group.join(), group);
  }
  return [...groups.values()];
}

test('no files import each other in a cycle, types included', () => {
  expect(cyclesIn(allImports())).toEqual([]);
});

test('a cycle is found, however long it is', () => {
  const imports = [
    { file: 'a/a.ts', specifier: './b.ts' },
    { file: 'a/b.ts', specifier: '../c.ts' },
    { file: 'c.ts', specifier: './a/a.ts' },
    { file: 'c.ts', specifier: 'node:fs' },
    { file: 'd.ts', specifier: './a/a.ts' },
  ];
  expect(cyclesIn(imports)).toEqual([['a/a.ts', 'a/b.ts', 'c.ts']]);
});

test.each([
  ['engine/transfer/a.ts', "import { x } from '../../remotes/sftp/session.ts';"],
  ['engine/a.ts', "import type { Client } from 'ssh2';"],
  ['engine/upload/a.ts', "import { Remote } from '../../remotes/remote.ts';"],
  ['engine/upload/a.ts', "export { put } from '../../transfer.ts';"],
  ['engine/verify/a.ts', "const x: import('../../cli/options.ts').Options = y;"],
  ['engine/runner/a.ts', "import { openSource } from '../local/local-source.ts';"],
  ['engine/tree/a.ts', "import { openSource } from '../local/local-source.ts';"],
  ['engine/local/a.ts', "import { Scheduler } from '../schedule/scheduler.ts';"],
  ['engine/schedule/a.ts', "import { ConnectionPool } from '../connections/connection-pool.ts';"],
  ['engine/connections/a.ts', "import type { Scheduler } from '../schedule/scheduler.ts';"],
  ['engine/resume/a.ts', "import { FileVerifier } from '../verify/file-verifier.ts';"],
  ['engine/verify/a.ts', "import { FileJob } from '../transfer/file-job.ts';"],
  ['engine/transfer/a.ts', "import type { Upload } from '../upload/upload.ts';"],
  ['engine/verify/a.ts', "import pRetry from 'p-retry';"],
  ['workers/a.ts', "import { TransferRun } from '../engine/transfer/transfer-run.ts';"],
  ['remotes/sftp/codec/a.ts', "import { Duplex } from 'node:stream';"],
  ['remotes/sftp/session-x.ts', "await import('../remote.ts');"],
  ['remotes/sftp/a.ts', "import ssh2 from 'ssh2';"],
  ['remotes/sftp/a.ts', "import { Counters } from '../../engine/runner/counters.ts';"],
  ['ui/a.ts', "import { type Observer, x } from '../engine/events.ts';"],
  ['ui/a.ts', "import type { Scheduler } from '../engine/schedule/scheduler.ts';"],
  ['util/a.ts', "import { CopyError } from '../errors.ts';"],
  ['cli/a.ts', "import type { Observer } from '../engine/events.ts';"],
  ['index.ts', "import '../package.json';"],
])('the table forbids: %s: %s', (file, text) => {
  expect(importsOf(file, text).map(objection)).toEqual([expect.any(String)]);
});
