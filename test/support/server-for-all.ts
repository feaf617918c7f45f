import { afterAll, beforeAll } from 'vitest';
import type { TestServer } from './test-server.ts';

/**
 * One server for all tests of the suite that calls this, which must not see each other's files. The result is the server
 * while tests run.
 */
export function serverForAll<T extends TestServer>(start: () => Promise<T>): () => T {
  let server: T | undefined;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server?.stop();
  });
  return () => server as T;
}
