import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Direction } from '../../../bench/support/direction.ts';
import type { ProgramCall } from '../../../bench/support/harness.ts';
import { transferTo } from '../../../bench/support/run-transfer.ts';
import { lftp } from '../../../bench/support/tools/lftp.ts';
import { mtCopy, mtCopyWithoutAddon, mtput } from '../../../bench/support/tools/mt-copy.ts';
import { scp, sftp } from '../../../bench/support/tools/openssh.ts';
import { rsync } from '../../../bench/support/tools/rsync.ts';
import type { Tool, Transfer } from '../../../bench/support/tools/tool.ts';
import type { TransferScene } from '../../../bench/support/transfer-scene.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import type { TestServer } from '../../support/test-server.ts';

const SERVER = {
  host: '127.0.0.1',
  port: 22,
  user: 'me',
  identityFile: '/keys/user',
  knownHostsFile: '/keys/known_hosts',
  dir: '/server',
} as TestServer;

function transfer(direction: Direction, workDir = '/work'): Transfer {
  const scene: TransferScene = {
    direction,
    source: '/from/source.bin',
    sha256: '',
    server: SERVER,
    landing: '/to',
    landsIn: 'memory',
    workDir,
  };
  return transferTo('copy.bin', scene, 2022);
}

function lastTwo({ args }: ProgramCall): readonly string[] {
  return args.slice(-2);
}

describe('transferTo', () => {
  it('names the source on this side and the target on the other, or the other way round', () => {
    const [up, down] = [transfer('up'), transfer('down')];
    expect(up).toMatchObject({ local: '/from/source.bin', remote: 'copy.bin', remotePath: '/to/copy.bin' });
    expect(down).toMatchObject({ local: '/to/copy.bin', remote: 'source.bin', remotePath: '/from/source.bin' });
    expect([up.port, down.port]).toEqual([2022, 2022]);
  });
});

describe('the call of a tool', () => {
  it.each<[string, Tool]>([
    ['scp', scp()],
    ['mtput', mtput({})],
  ])('of %s uploads', async (_, tool) => {
    expect(lastTwo(await tool.call(transfer('up')))).toEqual(['/from/source.bin', 'me@127.0.0.1:copy.bin']);
  });

  it.each<[string, Tool]>([
    ['scp', scp()],
    ['mtget', mtCopy('down', {})],
  ])('of %s downloads', async (_, tool) => {
    expect(lastTwo(await tool.call(transfer('down')))).toEqual(['me@127.0.0.1:source.bin', '/to/copy.bin']);
  });

  it.each<[Direction, string]>([
    ['up', 'put "/from/source.bin" "copy.bin"\n'],
    ['down', 'get "source.bin" "/to/copy.bin"\n'],
  ])('of sftp goes %s', async (direction, batch) => {
    const dir = await makeTempDir();
    onTestFinished(dir.remove);
    await sftp().call(transfer(direction, dir.path));
    expect(await readFile(join(dir.path, 'sftp-batch'), 'utf8')).toBe(batch);
  });

  it('of lftp splits downloads alone', async () => {
    const script = async (direction: Direction) =>
      (await lftp({ connections: 8 }).call(transfer(direction))).args.at(-1);
    expect(await script('up')).toMatch(/; put "\/from\/source\.bin" -o "copy\.bin"$/);
    expect(await script('down')).toMatch(/; pget -n 8 "source\.bin" -o "\/to\/copy\.bin"$/);
  });

  it('of rsync names the file by its path, because its command does not begin where sessions do', async () => {
    expect(lastTwo(await rsync().call(transfer('up')))).toEqual(['/from/source.bin', 'me@127.0.0.1:/to/copy.bin']);
    const down = await rsync().call(transfer('down'));
    expect(lastTwo(down)).toEqual(['me@127.0.0.1:/from/source.bin', '/to/copy.bin']);
    expect(down.args[down.args.indexOf('-e') + 1]).toMatch(/^ssh -p 2022 -F \/dev\/null -i \/keys\/user /);
  });

  it('of ours is for one direction', async () => {
    await expect(mtput({}).call(transfer('down'))).rejects.toThrow('mtput does not copy in that direction');
  });
});

describe('mtCopy', () => {
  it('is named for its direction', () => {
    expect(mtCopy('up', { connections: 2 })).toMatchObject({ name: 'mtput', label: 'mtput -n 2' });
    expect(mtCopyWithoutAddon('down', {})).toMatchObject({ name: 'mtget-without-addon', label: 'mtget, without it' });
  });
});
