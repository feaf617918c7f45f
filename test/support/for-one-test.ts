/** Servers, proxies and files of one test, gone when it ends. To be called while a test runs. */
import { onTestFinished } from 'vitest';
import { type ProftpdOptions, type ProftpdServer, startProftpd } from './proftpd.ts';
import { type ProxyOptions, type RunningProxy, startProxy } from './proxy.ts';
import { sha256Of, writeRandomFile } from './random-file.ts';
import { type SshdOptions, startSshd } from './sshd.ts';
import { makeTempDir, type TempDir } from './temp-dir.ts';
import type { TestServer } from './test-server.ts';

export async function sshdForTest(options?: SshdOptions): Promise<TestServer> {
  const server = await startSshd(options);
  onTestFinished(server.stop);
  return server;
}

export async function proftpdForTest(...directives: string[]): Promise<ProftpdServer> {
  const options: ProftpdOptions = { directives };
  const server = await startProftpd(options);
  onTestFinished(server.stop);
  return server;
}

/** In front of `server`, which is known under the proxy's port too. */
export async function proxyForTest(server: TestServer, options: Omit<ProxyOptions, 'target'>): Promise<RunningProxy> {
  const proxy = await startProxy({ ...options, target: { host: server.host, port: server.port } });
  onTestFinished(proxy.stop);
  await server.trustPort(proxy.port);
  return proxy;
}

export async function tempDirForTest(): Promise<TempDir> {
  const dir = await makeTempDir();
  onTestFinished(dir.remove);
  return dir;
}

export interface SourceForTest {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

export async function sourceForTest(size: number): Promise<SourceForTest> {
  const dir = await tempDirForTest();
  const path = dir.file('source.bin');
  await writeRandomFile(path, size);
  return { path, size, sha256: await sha256Of(path) };
}
