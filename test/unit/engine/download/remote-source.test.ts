import { expect, test } from 'vitest';
import { RemoteSource, type RemoteSourceServices } from '../../../../src/engine/download/remote-source.ts';
import { CopyError } from '../../../../src/errors.ts';
import type { Attributes } from '../../../../src/remotes/remote.ts';

const planned: Attributes = { kind: 'file', size: 1000, mtimeMs: 5000 };
const refusal = new CopyError('source-unreadable', 'The server refused to stat it.');

/** A source on a server whose answers to FSTAT are `answers`, one for each time that the file is opened. */
function sceneOf(answers: (Attributes | CopyError)[], mayHelp = true) {
  const posted: unknown[] = [];
  const asAgain: boolean[] = [];
  const remote = { abilities: { writers: 'unknown' }, stat: async () => planned };
  const services = {
    admission: { mayHelp, admit: (_: unknown, open: () => Promise<void>) => open() },
    readers: {
      open: async (_: number, isAgain: boolean, open: () => Promise<void>) => {
        asAgain.push(isAgain);
        await open();
      },
    },
    pool: {},
    access: { withConnection: (work: (connection: number, on: unknown) => Promise<unknown>) => work(1, remote) },
    runner: {
      post: (command: unknown) => void posted.push(command),
      local: {
        openedFile: async () => {
          const answer = answers.shift()!;
          const attributes = answer instanceof CopyError ? Promise.reject(answer) : Promise.resolve(answer);
          return { attributes };
        },
      },
    },
  } as unknown as RemoteSourceServices;
  return { posted, asAgain, source: new RemoteSource(services, 7, Buffer.from('f'), planned) };
}

test('a file of which the server does not tell what it is, is closed, so that it is opened anew where it is tried again', async () => {
  const { source, posted } = sceneOf([refusal, planned]);
  await expect(source.open()).rejects.toBe(refusal);
  expect(posted).toEqual([{ kind: 'close-file', job: 7, connection: 1, from: Buffer.from('f') }]);
  expect(source.first).toBeUndefined();
  await source.open();
  expect(source.first).toBe(1);
});

test('a file that is another one now is closed and not read', async () => {
  const { source, posted } = sceneOf([{ ...planned, size: 999 }]);
  await expect(source.open()).rejects.toMatchObject({ code: 'source-changed' });
  expect(posted).toMatchObject([{ kind: 'close-file' }]);
});

test.each([
  [true, false],
  [false, true],
])('fewer connections may help: %s; it is waited for as one that was read: %s', async (mayHelp, isAgain) => {
  const { source, asAgain } = sceneOf([planned, planned], mayHelp);
  await source.open();
  await source.open();
  expect(asAgain).toEqual([false, isAgain]);
});
