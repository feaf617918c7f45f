import { SftpSession } from '../../../src/remotes/sftp/session.ts';
import type { SshConnection } from '../../../src/remotes/sftp/ssh/ssh-connection.ts';
import { transportTo } from '../../../test/support/sftp-remote-to.ts';
import type { TestServer } from '../../../test/support/test-server.ts';

const STALL_TIMEOUT_MS = 30_000;

/** SFTP sessions with a server, each on a connection of its own. */
export async function withSessions<T>(
  server: TestServer,
  count: number,
  action: (sessions: readonly SftpSession[]) => Promise<T>,
): Promise<T> {
  const transport = transportTo(server);
  const opened: SshConnection[] = [];
  try {
    const sessions: SftpSession[] = [];
    for (let id = 1; id <= count; id++) {
      const ssh = await transport.open(id, new AbortController().signal);
      opened.push(ssh);
      const { sftp, outlet, inlet, software } = ssh;
      const options = { stallTimeoutMs: STALL_TIMEOUT_MS, softwareHint: software, outlet, inlet };
      sessions.push(await SftpSession.open(sftp, options));
    }
    return await action(sessions);
  } finally {
    await Promise.all(opened.map((ssh) => ssh.close()));
  }
}
