import { cleanEnvironment } from '../../../test/support/mtput.ts';
import { rivalPath } from '../rivals.ts';
import { opensshArguments } from './openssh.ts';
import type { Tool, ToolSettings } from './tool.ts';

/** Sends what is different of a file or tree, over one connection of the system's ssh. The server has the same rsync. */
export function rsync({ cipher }: ToolSettings = {}): Tool {
  return {
    name: 'rsync',
    label: 'rsync',
    rival: 'rsync',
    call: async (transfer) => {
      const { direction, local, remotePath, isTree, server, port } = transfer;
      const command = rivalPath('rsync') ?? 'rsync';
      const shell = ['ssh', '-p', `${port}`, ...opensshArguments(transfer, cipher)].join(' ');
      const remote = `${server.user}@${server.host}:${remotePath}`;
      // With the slash the target gets what is in the source, and is not a directory around it.
      const [source, target] = direction === 'up' ? [local, remote] : [remote, local];
      const files = [isTree ? `${source}/` : source, target];
      return {
        command,
        args: [isTree ? '-a' : '--times', `--rsync-path=${command}`, '-e', shell, ...files],
        env: cleanEnvironment(server.dir),
      };
    },
  };
}
