/** A script of ours between sshd and everything that is asked to run: it can note it, and run it elsewhere. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { requireServer } from './servers.ts';
import { startSshd } from './sshd.ts';
import { makeTempDir } from './temp-dir.ts';
import type { TestServer } from './test-server.ts';

export interface ForcingServer extends TestServer {
  /** What was asked to run, whole, each once for each time. */
  commands(): Promise<Buffer[]>;
}

/** As without it. */
export const RUN_COMMAND = 'exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"';

export interface ForcingOptions {
  /** A line of shell that runs what is no subsystem, and finds it in `$SSH_ORIGINAL_COMMAND`. */
  readonly runCommand?: (home: string) => string;
  /** Directories of programs, with colons. */
  readonly path?: string;
}

export async function startForcingSshd(options: ForcingOptions = {}): Promise<ForcingServer> {
  const { runCommand = () => RUN_COMMAND, path = '/usr/bin:/bin' } = options;
  const dir = await makeTempDir('forced');
  const log = dir.file('commands');
  const script = dir.file('forced');
  await writeFile(log, '');
  try {
    const sftpServer = requireServer('sftp-server');
    const server = await startSshd({
      subsystem: sftpServer,
      config: [`ForceCommand ${script}`, `SetEnv PATH=${path}`],
    });
    await writeFile(
      script,
      `#!/bin/sh
printf '%s\\0' "$SSH_ORIGINAL_COMMAND" >>'${log}'
if [ "$SSH_ORIGINAL_COMMAND" = '${sftpServer}' ]; then exec '${sftpServer}' -d '${server.home}'; fi
${runCommand(server.home)}
`,
    );
    await chmod(script, 0o755);
    return {
      ...server,
      commands: async () => partsOf(await readFile(log)),
      stop: async () => {
        await server.stop();
        await dir.remove();
      },
    };
  } catch (error) {
    await dir.remove();
    throw error;
  }
}

function partsOf(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const to = bytes.indexOf(0, from);
    parts.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return parts;
}
