import { cleanEnvironment } from '../../../test/support/mtput.ts';
import { rivalPath } from '../rivals.ts';
import { opensshArguments } from './openssh.ts';
import type { Tool, ToolSettings } from './tool.ts';

/** As scp has: 64 requests of 32 KiB. lftp's own 16 would be a fourth of the window. */
const REQUESTS_IN_FLIGHT = 64;

/** lftp splits downloads, but an upload goes over one connection, which the system's ssh makes. */
export function lftp({ cipher }: ToolSettings = {}): Tool {
  return {
    name: 'lftp',
    label: 'lftp',
    rival: 'lftp',
    upload: async (upload) => {
      const { source, target, server, port } = upload;
      const script = [
        `set sftp:connect-program "ssh -a -x ${opensshArguments(upload, cipher).join(' ')}"`,
        `set sftp:max-packets-in-flight ${REQUESTS_IN_FLIGHT}`,
        'set cmd:fail-exit yes',
        'set cmd:move-background no',
        'set net:max-retries 1',
        'set xfer:log no',
        // The empty password keeps it from asking for one.
        `open -u ${server.user}, sftp://${server.host}:${port}`,
        `put "${source}" -o "${target}"`,
      ];
      return {
        command: rivalPath('lftp') ?? 'lftp',
        args: ['--norc', '-c', script.join('; ')],
        env: cleanEnvironment(server.dir),
      };
    },
  };
}
