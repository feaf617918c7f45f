import { expect, test } from 'vitest';
import { ServerContinuity } from '../../../../src/engine/connections/server-continuity.ts';

function open(...connections: number[]): ServerContinuity {
  const continuity = new ServerContinuity();
  for (const connection of connections) continuity.onOpened(connection);
  return continuity;
}

test('the first connection is a witness, the others when it has answered after they came', () => {
  const continuity = open(1, 2, 3);
  expect(continuity.witnesses).toEqual([1]);
  continuity.onAnswered(2);
  expect(continuity.isWitness(2), 'what a newcomer says proves nothing').toBe(false);
  continuity.onAnswered(1);
  expect(continuity.witnesses).toEqual([1, 2, 3]);
});

test('while a witness is left, the server has run on', () => {
  const continuity = open(1, 2);
  continuity.onAnswered(1);
  expect(continuity.onLost(1)).toBe(false);
  continuity.onOpened(1);
  continuity.onAnswered(2);
  expect(continuity.onLost(2)).toBe(false);
  expect(continuity.epoch).toBe(0);
});

test('when the last witness is lost it may have been restarted, though newcomers are there', () => {
  const continuity = open(1, 2);
  expect(continuity.onLost(1)).toBe(true);
  expect(continuity.epoch).toBe(1);
  expect(continuity.witnesses, 'from now on').toEqual([2]);
  expect(continuity.onLost(2)).toBe(true);
  continuity.onOpened(3);
  expect(continuity.witnesses).toEqual([3]);
});

test('the loss of a connection that was no witness says nothing', () => {
  const continuity = open(1, 2);
  expect(continuity.onLost(2)).toBe(false);
  expect(continuity.onLost(7)).toBe(false);
});
