import { join } from 'node:path';
import { cleanEnvironment } from '../../../test/support/mtput.ts';
import { runOk } from '../../../test/support/process.ts';
import { rivalPath } from '../rivals.ts';
import type { Tool, ToolSettings, Transfer } from './tool.ts';

export interface RcloneSettings extends ToolSettings {
  /**
   * Asked for; versions that cannot split an upload use one. All of them split a download. Of a
   * tree it is how many files are copied at once.
   */
  readonly streams?: number;
}

let knownFlags: Promise<string> | undefined;

/** Options come and go with versions: those this one does not know are left away. */
async function knownOnly(path: string, flags: readonly string[], env: NodeJS.ProcessEnv): Promise<string[]> {
  knownFlags ??= runOk(path, ['help', 'flags'], { env }).then(({ stdout }) => stdout);
  const known = await knownFlags;
  return flags.filter((flag) => new RegExp(`${flag.split('=', 1)[0]}(?![\\w-])`).test(known));
}

function flagsFor({ isTree, server, port }: Transfer, { cipher, streams = 1 }: RcloneSettings): string[] {
  return [
    `--sftp-host=${server.host}`,
    `--sftp-port=${port}`,
    `--sftp-user=${server.user}`,
    `--sftp-key-file=${server.identityFile}`,
    `--sftp-known-hosts-file=${server.knownHostsFile}`,
    ...(cipher === undefined ? [] : [`--sftp-ciphers=${cipher}`]),
    '--sftp-concurrency=64',
    '--sftp-chunk-size=255Ki',
    ...(isTree ? [`--transfers=${streams}`] : [`--multi-thread-streams=${streams}`]),
    // No part of a download is smaller than this.
    '--multi-thread-cutoff=4Mi',
    // It is to copy, no more: no command on the server, no digest, no look at what else is there.
    '--sftp-shell-type=none',
    '--sftp-disable-hashcheck',
    '--ignore-checksum',
    '--retries=1',
  ];
}

export function rclone(settings: RcloneSettings = {}): Tool {
  return {
    name: 'rclone',
    label: 'rclone',
    rival: 'rclone',
    call: async (transfer) => {
      const command = rivalPath('rclone') ?? 'rclone';
      const { direction, local, server, workDir } = transfer;
      const remote = `:sftp:${transfer.remote}`;
      const files = direction === 'up' ? [local, remote] : [remote, local];
      const env = { ...cleanEnvironment(server.dir), RCLONE_CONFIG: join(workDir, 'rclone.conf') };
      const flags = await knownOnly(command, flagsFor(transfer, settings), env);
      return { command, args: ['copyto', '-q', ...flags, ...files], env };
    },
  };
}
