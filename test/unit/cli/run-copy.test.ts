import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../src/cli/parse-arguments.ts';
import { runCopy } from '../../../src/cli/run-copy.ts';
import { packageVersion } from '../../../src/cli/version.ts';
import { CopyError } from '../../../src/errors.ts';
import {
  NOTHING_DONE,
  type PutOptions,
  parseFilesFrom,
  type put,
  type TransferContext,
} from '../../../src/transfer.ts';
import { tempDirForTest } from '../../support/for-one-test.ts';
import { Collector, failure, plan, result } from '../ui/events.ts';

type Put = typeof put;
const notUsed = () => Promise.reject(new Error('Nothing is downloaded.'));
const empty = { ...NOTHING_DONE, elapsedMs: 1 };

async function run(args: string, fake: Put, environment: Record<string, string | undefined> = {}) {
  const invocation = parseArguments(args.split(' '), environment, '1');
  if (invocation.kind !== 'put') throw new Error('no copy');
  const people = new Collector();
  const output = new Collector();
  const io = { environment, errorStream: people.stream, outputStream: output.stream };
  const library = async () => ({ put: fake, get: notUsed, parseFilesFrom });
  return { exitCode: await runCopy(invocation, io, library), people, output };
}

describe('a run', () => {
  it('gives options, signal and environment to the transfer, and its exit code back', async () => {
    let seen: [PutOptions, TransferContext] | undefined;
    const environment: Record<string, string | undefined> = {
      MT_COPY_PASSWORD: 'secret',
      HOME: '/h',
      MT_COPY_LIMITS: '1',
    };
    const { exitCode, people } = await run(
      '-B -n 3 f h:x',
      async (options, context) => {
        seen = [options, context!];
        return { ...empty, exitCode: 4 };
      },
      environment,
    );
    expect(exitCode).toBe(4);
    expect(seen?.[0].connections).toBe(3);
    expect(seen?.[1].signal?.aborted).toBe(false);
    expect(seen?.[1].interaction).toBeUndefined();
    expect(seen?.[1]).toMatchObject({ environment: { MT_COPY_PASSWORD: 'secret', HOME: '/h' } });
    expect(environment).toEqual({ HOME: '/h', MT_COPY_LIMITS: '1' });
    expect(people.lines).toEqual(['warning: MT_COPY_LIMITS is set, but names no option; it is ignored.']);
  });

  it('gives the listed paths to the transfer', async () => {
    const dir = await tempDirForTest();
    await writeFile(dir.file('list'), 'a\n./b/c\n');
    let listed: PutOptions['filesFrom'];
    const { exitCode } = await run(`-B --files-from ${dir.file('list')} f h:x`, async (options) => {
      listed = options.filesFrom;
      return { ...empty, exitCode: 0 };
    });
    expect(exitCode).toBe(0);
    expect(listed?.map(String)).toEqual(['a', 'b/c']);
  });

  it('copies nothing without the list, or with a list that leads out of the source', async () => {
    const dir = await tempDirForTest();
    await writeFile(dir.file('list'), 'a\n../b\n');
    const copy: Put = () => Promise.reject(new Error('Nothing is copied.'));
    const missing = await run(`-B --files-from ${dir.file('no')} f h:x`, copy);
    expect(missing.exitCode).toBe(3);
    expect(missing.people.lines[0]).toBe(`mtput: The list ${dir.file('no')} does not exist.`);
    const outside = await run(`-B --files-from ${dir.file('list')} f h:x`, copy);
    expect(outside.exitCode).toBe(2);
    expect(outside.people.lines[0]).toBe("mtput: Line 2 of the list has a component '..': ../b.");
  });

  it('asks by SSH_ASKPASS where it is set', async () => {
    let asked: TransferContext['interaction'];
    const environment = { SSH_ASKPASS: '/bin/echo', SSH_ASKPASS_REQUIRE: 'force' };
    await run(
      'f h:',
      async (_options, context) => {
        asked = context?.interaction;
        return { ...empty, exitCode: 0 };
      },
      environment,
    );
    expect(await asked?.secret('prompt')).toBe('prompt');
  });

  it('fails when the copy is over where the display failed', async () => {
    const { exitCode, people } = await run('-B f h:', async () => ({
      ...empty,
      exitCode: 0,
      observerError: new Error('No display.'),
    }));
    expect(exitCode).toBe(70);
    expect(people.lines.join(' ')).toContain('No display.');
  });

  it('tells of a failure once, with or without a result event', async () => {
    const { error } = failure('no-connection', 'none is left');
    for (const told of [true, false]) {
      const { people } = await run('-B f h:', async (_options, context) => {
        context?.onEvent?.(plan());
        if (told) context?.onEvent?.(result(5, { error }));
        return { ...empty, exitCode: 5, error };
      });
      expect(people.lines.slice(1)).toEqual(['mtput: none is left.', error.advice]);
    }
  });

  it('stops on a signal, with the code of the signal', async () => {
    const listeners = process.listenerCount('SIGTERM');
    const { exitCode, people } = await run('-B f h:', async (_options, context) => {
      const stopped = new Promise<CopyError>((resolve) => {
        context?.signal?.addEventListener('abort', () => resolve(CopyError.from(context.signal?.reason)));
      });
      process.emit('SIGTERM');
      const error = (await stopped).toData();
      context?.onEvent?.(result(error.exitCode, { error }));
      return { ...empty, exitCode: error.exitCode, error };
    });
    expect(exitCode).toBe(143);
    expect(people.lines).toEqual([
      'Stopping; interrupt once more to leave at once.',
      'mtput: Terminated.',
      'Run the same command again.',
    ]);
    expect(process.listenerCount('SIGTERM')).toBe(listeners);
  });

  it.each([
    [new Error('oops'), 70, 'mtput: oops.'],
    [new CopyError('usage', 'no such cipher'), 2, 'mtput: no such cipher.'],
  ])('gives what is thrown its exit code: %s', async (thrown, exitCode, line) => {
    const outcome = await run('-B f h:', async () => {
      throw thrown;
    });
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.people.lines[0]).toBe(line);
  });

  it('shows events as JSON', async () => {
    const { output } = await run('-B --json f h:', async (_options, context) => {
      context?.onEvent?.(plan());
      return { ...empty, exitCode: 0 };
    });
    expect(output.lines.map((line) => JSON.parse(line))).toEqual([plan()]);
  });
});

it('the version is that of the package', () => {
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
  expect(packageVersion('file:///')).toBe('unknown');
});
