// What every Debian user has: scp and sftp, with our key and known_hosts and nothing of the user's.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanEnvironment } from '../../../test/support/mtput.ts';
import type { Tool, ToolSettings, Upload } from './tool.ts';

/** Options that scp, sftp and ssh know alike. */
export function opensshArguments({ server }: Upload, cipher: string | undefined): string[] {
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
    upload: async (upload) => {
      const { source, target, server, port } = upload;
      const destination = `${server.user}@${server.host}:${target}`;
      return {
        command: 'scp',
        args: [...opensshArguments(upload, cipher), '-P', `${port}`, '-q', source, destination],
        env: cleanEnvironment(server.dir),
      };
    },
  };
}

export function sftp({ cipher }: ToolSettings = {}): Tool {
  return {
    name: 'sftp',
    label: 'sftp',
    upload: async (upload) => {
      const { source, target, server, port, workDir } = upload;
      const batch = join(workDir, 'sftp-batch');
      await writeFile(batch, `put "${source}" "${target}"\n`);
      const destination = `${server.user}@${server.host}`;
      return {
        command: 'sftp',
        args: [...opensshArguments(upload, cipher), '-P', `${port}`, '-q', '-b', batch, destination],
        env: cleanEnvironment(server.dir),
      };
    },
  };
}
