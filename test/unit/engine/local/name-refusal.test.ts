import { expect, test } from 'vitest';
import { nameRefusal } from '../../../../src/engine/local/name-refusal.ts';

const refusal = nameRefusal('win32')!;

test.each(['a:b', 'a\\b', 'a/b', 'what?', '*', '"', '<', '>', '|', 'a\0', 'a\n', '\x1f'])(
  'Windows refuses the characters of %j',
  (name) => {
    expect(refusal(Buffer.from(name))).toContain('control characters');
  },
);

test.each(['a.', 'a ', '.', '..', ' '])('Windows refuses the end of %j', (name) => {
  expect(refusal(Buffer.from(name))).toContain('at the end');
});

test.each(['con', 'CON', 'nul.txt', 'aux.tar.gz', 'COM1', 'lpt9.x', 'com¹', 'conin$', 'PRN'])(
  'Windows keeps %j',
  (name) => {
    expect(refusal(Buffer.from(name))).toContain('device');
  },
);

test.each(['a', '.a', 'a.b', 'console', 'com', 'com10', 'nul_', 'ä', 'a b'])('Windows allows %j', (name) => {
  expect(refusal(Buffer.from(name))).toBeUndefined();
});

test.each(['linux', 'darwin'] as const)('%s refuses nothing', (platform) => {
  expect(nameRefusal(platform)).toBeUndefined();
});
