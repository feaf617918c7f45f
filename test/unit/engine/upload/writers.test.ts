import { expect, test } from 'vitest';
import { Writers } from '../../../../src/engine/upload/writers.ts';

function make() {
  const told: (string | undefined)[] = [];
  const writers = new Writers((reason) => told.push(`${writers.known}: ${reason}`));
  return { writers, told };
}

test('is told once what is known', () => {
  const { writers, told } = make();
  expect(writers.known).toBe('unknown');
  writers.decide('many');
  writers.decide('many');
  expect(told).toEqual(['many: undefined']);
});

test('many may become one, one never many', () => {
  const { writers, told } = make();
  writers.decide('many');
  writers.decide('one', 'it truncates');
  writers.decide('many');
  writers.decide('one', 'again');
  expect(writers.known).toBe('one');
  expect(told).toEqual(['many: undefined', 'one: it truncates']);
});
