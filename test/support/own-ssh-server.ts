/** An SSH server whose logins a test decides, and whose sftp subsystem is the real one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import ssh2, { type AuthContext } from 'ssh2';
import { onTestFinished } from 'vitest';
import { requireServer } from './servers.ts';
import { makeSsh2Key } from './ssh2-key.ts';

export interface OwnSshServer {
  readonly port: number;
  /** `TYPE BASE64`, as known_hosts has it. */
  readonly hostKey: string;
}

export interface OwnSshServerOptions {
  /** Where sessions begin. */
  readonly home: string;
  /** Returns what judges the attempts of one connection. */
  readonly judge: () => (context: AuthContext) => void;
  /** SFTP is not answered before. */
  readonly begins?: Promise<void>;
  /** Shown before the login. */
  readonly banner?: string;
}

/** Ends with the test. */
export async function ownSshServer({ home, judge, begins, banner }: OwnSshServerOptions): Promise<OwnSshServer> {
  const program = requireServer('sftp-server');
  const { private: privateKey, public: publicKey } = makeSsh2Key();
  const server = new ssh2.Server({ hostKeys: [privateKey], ...(banner !== undefined && { banner }) }, (client) => {
    client.on('error', () => {});
    client.on('authentication', judge());
    client.on('session', (accept) => {
      accept().on('subsystem', (acceptSubsystem) => {
        const channel = acceptSubsystem();
        const child = spawn(program, { cwd: home, stdio: ['pipe', 'pipe', 'ignore'] });
        channel.pipe(child.stdin).on('error', () => {});
        void Promise.resolve(begins).then(() => child.stdout.pipe(channel).on('error', () => {}));
        channel.on('close', () => child.kill());
        onTestFinished(() => void child.kill());
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, hostKey: publicKey };
}
