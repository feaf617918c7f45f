import { expect, test } from 'vitest';
import { CopyError } from '../../src/errors.ts';

test.each([
  ['a buffer', new RangeError('Array buffer allocation failed')],
  ['a part in WebAssembly', new RangeError('WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory')],
  ['a system call', Object.assign(new Error('ENOMEM: not enough memory, read'), { code: 'ENOMEM' })],
  ['a thread', Object.assign(new Error('Worker terminated'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })],
])('memory that the system refuses for %s is no bug', (_, cause) => {
  const error = CopyError.from(cause);
  expect(error).toMatchObject({ code: 'no-memory', exitCode: 11, scope: 'run', cause });
  expect(error.advice).toMatch(/ulimit -v/);
});

test('what is not known is a bug, unless the caller knows better', () => {
  const cause = new TypeError('x is not a function');
  expect(CopyError.from(cause)).toMatchObject({ code: 'bug', exitCode: 70, cause });
  expect(CopyError.from(cause, 'cancelled')).toMatchObject({ code: 'cancelled', cause });
});
