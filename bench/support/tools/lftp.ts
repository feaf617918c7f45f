import { cleanEnvironment } from '../../../test/support/mtput.ts';
import { rivalPath } from '../rivals.ts';
import { opensshArguments } from './openssh.ts';
import type { Tool, ToolSettings, Transfer } from './tool.ts';

/** As scp has: 64 requests of 32 KiB. lftp's own 16 would be a fourth of the window. */
const REQUESTS_IN_FLIGHT = 64;

export interface LftpSettings extends ToolSettings {
  /** Over which a download is split; of a tree, files that are copied at once. */
  readonly connections?: number;
}

/** The upload of a file goes over one connection, whatever is asked for. */
function copyCommands({ direction, local, remote, isTree }: Transfer, connections: number): string[] {
  if (isTree) {
    const files = direction === 'up' ? `-R "${local}" "${remote}"` : `"${remote}" "${local}"`;
    return [`mirror --parallel=${connections} ${files}`];
  }
  if (direction === 'up') return [`put "${local}" -o "${remote}"`];
  // Otherwise it writes beside the target what it would need to continue.
  return ['set pget:save-status never', `pget -n ${connections} "${remote}" -o "${local}"`];
}

/** Its connections are made by the system's ssh, one process each. */
export function lftp({ cipher, connections = 1 }: LftpSettings = {}): Tool {
  return {
    name: 'lftp',
    label: 'lftp',
    rival: 'lftp',
    call: async (transfer) => {
      const { server, port } = transfer;
      const script = [
        `set sftp:connect-program "ssh -a -x ${opensshArguments(transfer, cipher).join(' ')}"`,
        `set sftp:max-packets-in-flight ${REQUESTS_IN_FLIGHT}`,
        'set cmd:fail-exit yes',
        'set cmd:move-background no',
        'set net:max-retries 1',
        'set xfer:log no',
        // The empty password keeps it from asking for one.
        `open -u ${server.user}, sftp://${server.host}:${port}`,
        ...copyCommands(transfer, connections),
      ];
      return {
        command: rivalPath('lftp') ?? 'lftp',
        args: ['--norc', '-c', script.join('; ')],
        env: cleanEnvironment(server.dir),
      };
    },
  };
}
