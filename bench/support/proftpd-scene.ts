import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { startProftpd } from '../../test/support/proftpd.ts';
import type { TransferScene } from './transfer-scene.ts';

/** The same scene with proftpd as its server, where that is wanted; else it is passed on as it is. */
export async function withProftpd<T>(
  isWanted: boolean,
  scene: TransferScene,
  action: (scene: TransferScene) => Promise<T>,
  directives: readonly string[] = [],
): Promise<T> {
  if (!isWanted) return action(scene);
  const landing = join(scene.landing, 'proftpd');
  const server = await startProftpd({ directives: [`DefaultChdir ${landing}`, ...directives] });
  try {
    await mkdir(landing);
    // It belongs to the server's own user, who may pass through what is above.
    const { uid, gid } = await stat(server.home);
    await chown(landing, uid, gid);
    await chmod(scene.landing, 0o711);
    return await action({ ...scene, server, landing });
  } finally {
    await server.stop();
  }
}
