/** What package.json and its lock file promise to those who install the package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repoRoot } from '../support/repo-root.ts';

interface LockedPackage {
  readonly version?: string;
  readonly hasInstallScript?: boolean;
  readonly resolved?: string;
  readonly bin?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
}

const packageJson = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8'));
const lock = JSON.parse(readFileSync(join(repoRoot, 'package-lock.json'), 'utf8'));
const packages = Object.entries(lock.packages as Record<string, LockedPackage>);

const nameOf = (path: string) => path.replace(/^.*node_modules\//, '');

test('every install script of a dependency is declared, and nothing else is', () => {
  const withScripts = packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path));
  expect(Object.keys(packageJson.allowScripts).sort()).toEqual([...new Set(withScripts)].sort());
});

test('ssh2 is the one version whose internals are known', () => {
  expect(packageJson.dependencies.ssh2).toBe('1.17.0');
  expect(lock.packages['node_modules/ssh2'].version).toBe('1.17.0');
});

test('the lock file agrees with package.json, and names no registry', () => {
  const own = lock.packages[''];
  expect(own.dependencies).toEqual(packageJson.dependencies);
  expect(own.devDependencies).toEqual(packageJson.devDependencies);
  expect(own.bin).toEqual(packageJson.bin);
  expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});
