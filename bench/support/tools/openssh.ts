// What every Debian user has: scp and sftp, with our key and known_hosts and nothing of the user's.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanEnvironment } from '../../../test/support/mtput.ts';
import type { Tool, ToolSettings, Transfer } from './tool.ts';

/** Options that scp, sftp and ssh know alike. */
export function opensshArguments({ server }: Transfer, cipher: string | undefined): string[] {
  const options = [
    `UserKnownHostsFile=${server.knownHostsFile}`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'IdentitiesOnly=yes',
    'BatchMode=yes',
  ];
  const flags = ['-F', '/dev/null', '-i', server.identityFile, ...(cipher === undefined ? [] : ['-c', cipher])];
  return [...flags, ...options.flatMap((option) => ['-o', option])];
}

export function scp({ cipher }: ToolSettings = {}): Tool {
  return {
    name: 'scp',
    label: 'scp',
    call: async (transfer) => {
      const { direction, local, isTree, server, port } = transfer;
      const remote = `${server.user}@${server.host}:${transfer.remote}`;
      const files = direction === 'up' ? [local, remote] : [remote, local];
      return {
        command: 'scp',
        args: [...opensshArguments(transfer, cipher), '-P', `${port}`, '-q', ...(isTree ? ['-r'] : []), ...files],
        env: cleanEnvironment(server.dir),
      };
    },
  };
}

export function sftp({ cipher }: ToolSettings = {}): Tool {
  return {
    name: 'sftp',
    label: 'sftp',
    call: async (transfer) => {
      const { direction, local, remote, isTree, server, port, workDir } = transfer;
      const batch = join(workDir, 'sftp-batch');
      const command = `${direction === 'up' ? 'put' : 'get'}${isTree ? ' -r' : ''}`;
      const files = direction === 'up' ? [local, remote] : [remote, local];
      await writeFile(batch, `${command} "${files[0]}" "${files[1]}"\n`);
      return {
        command: 'sftp',
        args: [
          ...opensshArguments(transfer, cipher),
          ...['-P', `${port}`, '-q', '-b', batch],
          `${server.user}@${server.host}`,
        ],
        env: cleanEnvironment(server.dir),
      };
    },
  };
}
