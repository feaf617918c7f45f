// What is measured: mtput, and what Debian users have today. All with the same key and known_hosts, and nothing of the user's.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanEnvironment, mtputPath, putArguments } from '../../test/support/mtput.ts';
import type { TestServer } from '../../test/support/test-server.ts';
import type { ProgramCall } from './harness.ts';

export interface Upload {
  readonly source: string;
  /** File name in the server's home. */
  readonly target: string;
  readonly server: TestServer;
  /** The proxy's. */
  readonly port: number;
  readonly connections: number;
  /** For files a tool needs beside the source. */
  readonly workDir: string;
}

export interface Tool {
  readonly name: string;
  /** How it is described in the table. */
  readonly label: (connections: number) => string;
  readonly upload: (upload: Upload) => Promise<ProgramCall>;
}

function opensshArguments({ server, port }: Upload): string[] {
  const options = [
    `UserKnownHostsFile=${server.knownHostsFile}`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'IdentitiesOnly=yes',
    'BatchMode=yes',
  ];
  const flags = ['-F', '/dev/null', '-P', `${port}`, '-i', server.identityFile];
  return [...flags, ...options.flatMap((option) => ['-o', option])];
}

const mtput: Tool = {
  name: 'mtput',
  label: (connections) => `mtput -n ${connections}`,
  upload: async ({ source, target, server, port, connections }) => ({
    command: process.execPath,
    args: [mtputPath, ...putArguments([source], { server, port, path: target }, ['--json', '-n', `${connections}`])],
    env: cleanEnvironment(server.dir),
  }),
};

const scp: Tool = {
  name: 'scp',
  label: () => 'scp',
  upload: async (upload) => {
    const { source, target, server } = upload;
    const destination = `${server.user}@${server.host}:${target}`;
    return {
      command: 'scp',
      args: [...opensshArguments(upload), '-q', source, destination],
      env: cleanEnvironment(server.dir),
    };
  },
};

const sftp: Tool = {
  name: 'sftp',
  label: () => 'sftp',
  upload: async (upload) => {
    const { source, target, server, workDir } = upload;
    const batch = join(workDir, 'sftp-batch');
    await writeFile(batch, `put "${source}" "${target}"\n`);
    return {
      command: 'sftp',
      args: [...opensshArguments(upload), '-q', '-b', batch, `${server.user}@${server.host}`],
      env: cleanEnvironment(server.dir),
    };
  },
};

export const tools: readonly Tool[] = [mtput, scp, sftp];
