/** Servers that are reached through others: each connection has a TCP connection of its own on every hop. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { allDirections, type Direction } from '../support/directions.ts';
import { proftpdForTest, proxyForTest, sourceForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { cleanEnvironment, mtgetPath, mtputPath } from '../support/mtput.ts';
import { type RunResult, run } from '../support/process.ts';
import { sha256Of } from '../support/random-file.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';

const CONNECTIONS = 3;

/** Lines of a file of ssh for a server at `port`. */
function linesFor(alias: string, server: TestServer, port: number): string {
  return [
    `Host ${alias}`,
    `  HostName ${server.host}`,
    `  Port ${port}`,
    `  User ${server.user}`,
    `  IdentityFile ${server.identityFile}`,
    `  UserKnownHostsFile ${server.knownHostsFile}`,
    '',
  ].join('\n');
}

async function homeWith(config: string): Promise<string> {
  const home = (await tempDirForTest()).path;
  await mkdir(join(home, '.ssh'));
  await writeFile(join(home, '.ssh/config'), config, { mode: 0o600 });
  return home;
}

function copy(direction: Direction, home: string, ...options: string[]): Promise<RunResult> {
  const local = join(home, direction === 'up' ? 'source' : 'copied');
  const paths = direction === 'up' ? [local, 'nas:copied'] : ['nas:source', local];
  const program = direction === 'up' ? mtputPath : mtgetPath;
  return run(process.execPath, [program, '-B', '-n', `${CONNECTIONS}`, ...options, ...paths], {
    env: cleanEnvironment(home),
  });
}

const WAYS = [1, 2].flatMap((hops) =>
  (['sshd', 'proftpd'] as const).flatMap((kind) => allDirections.map((direction) => ({ hops, kind, direction }))),
);

describeWithServers(['sshd', 'proftpd'], 'a server behind others', () => {
  const quick = WAYS.filter(({ hops, kind, direction }) => (hops === 2) === (direction === 'up') && kind === 'sshd');
  it.each(byTier(quick, WAYS))('$kind, $hops hops, $direction', async ({ hops, kind, direction }) => {
    const server = await (kind === 'sshd' ? sshdForTest() : proftpdForTest());
    const jumps = await Promise.all(Array.from({ length: hops }, () => sshdForTest()));
    // Each hop, the server included, is counted by a proxy in front of it.
    const proxies = await Promise.all([...jumps, server].map((one) => proxyForTest(one, {})));
    const names = jumps.map((_, index) => `jump${index}`);
    const home = await homeWith(
      [
        linesFor('nas', server, proxies.at(-1)!.port),
        `  ProxyJump ${names.join(',')}\n`,
        ...jumps.map((jump, index) => linesFor(names[index]!, jump, proxies[index]!.port)),
      ].join(''),
    );
    const source = await sourceForTest(20_000_000);
    await copyFile(source.path, join(direction === 'up' ? home : server.home, 'source'));
    expect(await copy(direction, home)).toMatchObject({ code: 0 });
    expect(await sha256Of(join(direction === 'up' ? server.home : home, 'copied'))).toBe(source.sha256);
    const counts = await Promise.all(proxies.map(async (proxy) => (await proxy.stats()).accepted));
    expect(counts).toEqual(proxies.map(() => CONNECTIONS));
  });

  it('is named where the jump host does not reach it', async () => {
    const [jump, server] = [await sshdForTest(), await sshdForTest()];
    const home = await homeWith(`${linesFor('nas', server, 1)}  ProxyJump jump\n${linesFor('jump', jump, jump.port)}`);
    await writeFile(join(home, 'source'), 'something');
    const result = await copy('up', home, '--retry-for', '1s');
    expect(result).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(
        `Cannot connect to ${server.host}:1: ${jump.host}:${jump.port} does not reach it`,
      ),
    });
  });

  it('is not tried where the jump host lets nobody in, and the jump host is named', async () => {
    const [jump, server] = [await sshdForTest(), await sshdForTest()];
    const config = `${linesFor('nas', server, server.port)}  ProxyJump nobody@jump\n${linesFor('jump', jump, jump.port)}`;
    const home = await homeWith(config);
    await writeFile(join(home, 'source'), 'something');
    const result = await copy('up', home);
    expect(result).toMatchObject({
      code: 7,
      stderr: expect.stringContaining(`${jump.host}:${jump.port} did not let nobody in`),
    });
  });

  it('has a key of its own, and an unknown one of the jump host is refused', async () => {
    const [jump, server] = [await sshdForTest(), await sshdForTest()];
    const unknown = linesFor('jump', jump, jump.port).replace(/UserKnownHostsFile .*/, 'UserKnownHostsFile none');
    const home = await homeWith(`${linesFor('nas', server, server.port)}  ProxyJump jump\n${unknown}`);
    await writeFile(join(home, 'source'), 'something');
    const result = await copy('up', home);
    expect(result).toMatchObject({ code: 6, stderr: expect.stringContaining(`${jump.port}`) });
  });
});
