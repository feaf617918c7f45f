/** A source that changes while it is sent is noticed on the way, not only when everything has been sent. */
import { appendFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeOn } from '../support/each-server.ts';
import { proxyForTest, tempDirForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { mtput } from '../support/mtput.ts';
import { standOldTarget } from '../support/old-target.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectSuccess } from '../support/run-outcome.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const SIZE = 40_000_000;

describeOn('sshd', 'a source that changes while it is sent', (bed) => {
  const changes: readonly (readonly [string, (path: string) => Promise<void>])[] = [
    ['grows', (path) => appendFile(path, 'more')],
    [
      'is replaced',
      async (path) => {
        await writeRandomFile(`${path}.new`, SIZE);
        await rename(`${path}.new`, path);
      },
    ],
  ];

  it.each(changes.slice(0, byTier(1, 2)))('%s', async (what, change) => {
    const { server } = bed;
    const source = (await tempDirForTest()).file('source.bin');
    await writeRandomFile(source, SIZE);
    const old = await standOldTarget(join(server.home, what));
    const proxy = await proxyForTest(server, { bytesPerSecond: 1_000_000 });
    const run = await startLiveRun([source], { server, port: proxy.port, path: what }, ['-n', '2']);
    await waitFor(async () => (await proxy.stats()).bytesUp > 1_000_000, { what: 'bytes', timeoutMs: 30_000 });
    await change(source);
    const { code, events } = await run.end();
    expect(code).toBe(10);
    expect(events).toContainEqual(expect.objectContaining({ type: 'result', exitCode: 10 }));
    expect((await proxy.stats()).bytesUp, 'most of it was not sent').toBeLessThan(SIZE / 2);
    await old.expectUntouched();
    expectSuccess(await mtput([source], { server, path: what }));
    expect(await sha256Of(join(server.home, what))).toBe(await sha256Of(source));
  });

  // That a run ends with 10 is above.
  it.each(byTier([130], [10, 130]))(
    'with --inplace, a run that ends with %i says what the target holds',
    async (exitCode) => {
      const { server } = bed;
      const source = (await tempDirForTest()).file('source.bin');
      await writeRandomFile(source, SIZE);
      const path = `in-place-${exitCode}`;
      await standOldTarget(join(server.home, path));
      const proxy = await proxyForTest(server, { bytesPerSecond: 1_000_000 });
      const run = await startLiveRun([source], { server, port: proxy.port, path }, ['-n', '2', '--inplace']);
      await run.event('progress', ({ bytesDone }) => bytesDone > 1_000_000);
      if (exitCode === 10) await appendFile(source, 'more');
      else run.kill('SIGINT');
      const { code, events } = await run.end();
      expect(code).toBe(exitCode);
      const says = new RegExp(`${path} now has a part of the new file .*, and its old content is lost\\.$`);
      const message: unknown = expect.stringMatching(says);
      expect(events).toContainEqual(expect.objectContaining({ type: 'notice', code: 'target-overwritten', message }));
    },
  );
});
