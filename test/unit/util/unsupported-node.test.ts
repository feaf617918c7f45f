import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { unsupportedNode } from '../../../src/util/unsupported-node.ts';
import { repoRoot } from '../../support/repo-root.ts';

test.each(['12.22.12', '18.20.8', '20.0.0', '20.9.9', '20.18.3', '0.10.48'])('%s is too old', (version) => {
  expect(unsupportedNode('mtput', version)).toBe(`mtput needs Node 20.19 or later, this is ${version}.`);
});

test.each(['20.19.0', '20.20.2', '21.0.0', '22.12.0', '26.1.0', '100.0.0'])('%s is supported', (version) => {
  expect(unsupportedNode('mtput', version)).toBeUndefined();
});

test('it is the version that package.json demands', () => {
  const { engines } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8'));
  expect(engines.node).toBe('>=20.19');
});
