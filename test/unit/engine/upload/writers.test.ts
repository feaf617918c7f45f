import { expect, test } from 'vitest';
import { Writers } from '../../../../src/engine/upload/writers.ts';

function make() {
  const told: (string | undefined)[] = [];
  const writers = new Writers((known, reason) => told.push(`${known}: ${reason}`));
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

test('whoever subscribed is told, until that ends', () => {
  const { writers, told } = make();
  const end = writers.subscribe(() => told.push(`subscriber: ${writers.known}`));
  writers.decide('many');
  end();
  writers.decide('one');
  expect(told).toEqual(['subscriber: many', 'many: undefined', 'one: undefined']);
});
