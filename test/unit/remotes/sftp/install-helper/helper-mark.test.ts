import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { helperVersion, isNewer, MARK_LENGTH } from '../../../../../src/remotes/sftp/install-helper/helper-mark.ts';
import { helperPath } from '../../../../support/helper-program.ts';
import { repoRoot } from '../../../../support/repo-root.ts';

const node = '#!/usr/bin/env node\n';

test('the output of the build is recognised, with its version', async () => {
  const { version } = JSON.parse(await readFile(`${repoRoot}/package.json`, 'utf8')) as { version: string };
  expect(helperVersion(await readFile(helperPath))).toBe(version);
});

test.each([
  [`${node}// mt-copy-tools-cs 1.20.3 of mt-copy-tools\nrest`, '1.20.3'],
  ['#!/opt/bin/node\n// mt-copy-tools-cs 0.1.0-rc.1+b of mt-copy-tools\n', '0.1.0-rc.1+b'],
])('%j is ours', (text, version) => {
  expect(helperVersion(Buffer.from(text))).toBe(version);
});

test.each([
  [''],
  ['// mt-copy-tools-cs 1.0.0 of mt-copy-tools\n'],
  [`${node}\n// mt-copy-tools-cs 1.0.0 of mt-copy-tools\n`],
  [`${node}// mt-copy-tools-cs of mt-copy-tools\n`],
  [`${node}// mt-copy-tools-cs 1.0 of mt-copy-tools\n`],
  [`${node}// mt-copy-tools-cs 1.0.0 of mt-copy-tools-2\n`],
  [`${node}// mt-copy-tools-cs 1.0.0\x1b of mt-copy-tools\n`],
  [`${node}// other 1.0.0 of mt-copy-tools\n`],
  ['#!/bin/sh\n// mt-copy-tools-cs 1.0.0 of mt-copy-tools\n'],
  ['\x7fELF mt-copy-tools-cs'],
  [`#!/${'x'.repeat(MARK_LENGTH)}node\n// mt-copy-tools-cs 1.0.0 of mt-copy-tools\n`],
])('%j is not', (text) => {
  expect(helperVersion(Buffer.from(text))).toBeUndefined();
});

test.each([
  ['0.1.1', '0.1.0', true],
  ['0.10.0', '0.9.9', true],
  ['1.0.0', '1.0.0-rc.2', true],
  ['1.0.0', '1.0.0', false],
  ['1.0.0-rc.2', '1.0.0', false],
  ['0.9.9', '0.10.0', false],
  ['1.0.0+b', '1.0.0', false],
])('%s is newer than %s: %s', (a, b, newer) => {
  expect(isNewer(a, b)).toBe(newer);
});
