/** What must hold of a connection of every remote. */
import { expect, onTestFinished, test } from 'vitest';
import type { RemoteConnection } from '../../../src/remotes/remote.ts';
import { fillWith, slicesOf } from './sftp/staging.ts';

export interface RemoteUnderTest {
  readonly connection: RemoteConnection;
  /** An empty directory, absolute. */
  readonly directory: string;
}

export function complianceOfRemote(open: () => Promise<RemoteUnderTest>): void {
  async function opened(): Promise<RemoteUnderTest & { readonly pathOf: (name: string) => Buffer }> {
    const remote = await open();
    onTestFinished(() => remote.connection.close());
    return { ...remote, pathOf: (name) => Buffer.from(`${remote.directory}/${name}`, 'latin1') };
  }

  test('a ping is answered, until the connection is gone', async () => {
    const { connection } = await opened();
    await connection.ping();
    await connection.close();
    await expect(connection.ping()).rejects.toMatchObject({ scope: 'connection' });
  });

  test('a sync keeps what the abilities promise', async () => {
    const { connection, pathOf } = await opened();
    const staged = await connection.stage(pathOf('f'), 'new');
    await staged.write(slicesOf({ offset: 0, length: 5 }), fillWith(Buffer.from('bytes')), () => {});
    expect(await staged.sync()).toBe(connection.abilities.durable !== 'unknown');
    await staged.close();
  });
}
