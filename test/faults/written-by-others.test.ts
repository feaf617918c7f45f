/** Another program changes what a download writes, while it is written. */
import { open, rename, unlink, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { NAME, sceneForTest } from '../support/copy-scene.ts';
import { leftOver } from '../support/cut-copy.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proxyForTest, sshdForTest } from '../support/for-one-test.ts';
import { eventsOf } from '../support/mtput.ts';

const MiB = 1024 * 1024;
const SIZE = 8 * MiB;

async function spoil(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(1000, 7), 0, 1000, 5000);
  await file.close();
}

describeWithServers(['sshd'], 'what a download writes', () => {
  it.each([
    ['the target is removed', ['--inplace'], async (path: string) => unlink(path)],
    [
      'the target is replaced',
      ['--inplace'],
      async (path: string) => {
        await writeFile(`${path}.new`, 'of somebody else');
        await rename(`${path}.new`, path);
      },
    ],
    ['the target is written', ['--inplace'], spoil],
    ['the partial file is written', [], spoil],
  ] as const)('%s meanwhile', async (_, options, change) => {
    const server = await sshdForTest();
    const scene = await sceneForTest('down', server, SIZE);
    const proxy = await proxyForTest(server, { bytesPerSecond: 4 * MiB });
    const run = await scene.start([...options, '-n', '1', '-s', '1M'], proxy.port);
    await run.event('progress', ({ bytesDone }) => bytesDone > 4 * MiB);
    await change(options.length > 0 ? `${scene.directory}/${NAME}` : await leftOver(scene.directory));
    const end = await run.end();
    const { error } = eventsOf(end, 'result')[0]!;
    expect({ code: end.code, error: error?.code }).toEqual({ code: 12, error: 'target-busy' });
    // Nothing that is wrong has the name of the target.
    if (options.length === 0)
      await expect(open(`${scene.directory}/${NAME}`)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
