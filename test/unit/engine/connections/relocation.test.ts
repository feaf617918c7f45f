import { expect, test } from 'vitest';
import { Relocation } from '../../../../src/engine/connections/relocation.ts';

function scene() {
  const open = [1, 2, 3];
  const working = new Set([3]);
  const did: string[] = [];
  const state = { isFree: true };
  const relocation = new Relocation({
    pool: {
      isOpen: (connection) => open.includes(connection),
      renew: (connection) => void did.push(`renew ${connection}`),
    },
    tasks: {
      retire: (connection) => void did.push(`retire ${connection}`),
      isWorking: (connection) => working.has(connection),
      restore: (connection) => void did.push(`restore ${connection}`),
      dispatch: () => {},
    },
    isFree: () => state.isFree,
  });
  const taskEnded = (connection: number): void => {
    working.delete(connection);
    relocation.onTaskEnded(connection);
  };
  return { relocation, open, did, state, taskEnded };
}

test('a connection without tasks is renewed at once, another when its tasks have ended', () => {
  const { relocation, did, taskEnded } = scene();
  relocation.request(2);
  expect(did).toEqual(['retire 2', 'renew 2']);
  relocation.request(3);
  relocation.onTaskEnded(3);
  expect(did.slice(2)).toEqual(['retire 3']);
  taskEnded(3);
  expect(did.slice(3)).toEqual(['renew 3']);
});

test('waits until the file jobs let the connection go', () => {
  const { relocation, did, state } = scene();
  state.isFree = false;
  relocation.request(2);
  relocation.relocateIfFree();
  expect(did).toEqual([]);
  state.isFree = true;
  relocation.relocateIfFree();
  expect(did).toEqual(['retire 2', 'renew 2']);
});

test('a connection that is needed again by the time its tasks have ended works on, and moves later', () => {
  const { relocation, did, state, taskEnded } = scene();
  relocation.request(3);
  state.isFree = false;
  taskEnded(3);
  expect(did).toEqual(['retire 3', 'restore 3']);
  state.isFree = true;
  relocation.relocateIfFree();
  expect(did.slice(2)).toEqual(['retire 3', 'renew 3']);
});

test('a connection that was lost meanwhile has moved already', () => {
  const { relocation, open, did, state, taskEnded } = scene();
  relocation.request(3);
  relocation.onConnectionLost(3);
  taskEnded(3);
  expect(did).toEqual(['retire 3']);
  state.isFree = false;
  relocation.request(2);
  open.splice(open.indexOf(2), 1);
  state.isFree = true;
  relocation.relocateIfFree();
  expect(did).toEqual(['retire 3']);
});

test('a task that ends on any other connection changes nothing', () => {
  const { did, taskEnded } = scene();
  taskEnded(3);
  expect(did).toEqual([]);
});
