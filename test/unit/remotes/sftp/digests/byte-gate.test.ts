import { expect, test } from 'vitest';
import { ByteGate } from '../../../../../src/remotes/sftp/digests/byte-gate.ts';

function gateOf(bytes: number, count: number) {
  const gate = new ByteGate(bytes, count);
  const inside: string[] = [];
  const come = (name: string, size: number) => void gate.enter(size).then(() => inside.push(name));
  return { gate, inside, come };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('operations that fit start in their order, and none overtakes', async () => {
  const { gate, inside, come } = gateOf(10, 3);
  come('a', 6);
  come('b', 6);
  come('c', 1);
  await turn();
  expect(inside).toEqual(['a']);
  gate.leave(6);
  await turn();
  expect(inside).toEqual(['a', 'b', 'c']);
});

test('an operation that exceeds the limit runs alone', async () => {
  const { gate, inside, come } = gateOf(10, 3);
  come('a', 1);
  come('huge', 100);
  come('b', 1);
  await turn();
  expect(inside).toEqual(['a']);
  gate.leave(1);
  await turn();
  expect(inside).toEqual(['a', 'huge']);
  gate.leave(100);
  await turn();
  expect(inside).toEqual(['a', 'huge', 'b']);
});

test('the number of operations is limited', async () => {
  const { gate, inside, come } = gateOf(10, 2);
  for (const name of ['a', 'b', 'c']) come(name, 1);
  await turn();
  expect(inside).toEqual(['a', 'b']);
  gate.leave(1);
  await turn();
  expect(inside).toEqual(['a', 'b', 'c']);
});
