// The demo's SFTP server as a process of its own, so that encryption on both ends does not share one thread.
import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import ssh2 from 'ssh2';
import { DEMO_USER, demoFiles } from './demo-files.ts';
import { ServedDirectory } from './served-directory.ts';
import { SftpHandler } from './sftp-handler.ts';

/** What it tells its parent once it listens. */
export interface ServerStarted {
  readonly port: number;
}

function readUserKey(path: string): ssh2.ParsedKey {
  const key = ssh2.utils.parseKey(readFileSync(path));
  if (key instanceof Error) throw key;
  return key;
}

function isAdmitted(context: ssh2.AuthContext, userKey: ssh2.ParsedKey): boolean {
  if (context.method !== 'publickey' || context.username !== DEMO_USER) return false;
  const wanted = userKey.getPublicSSH();
  const shown = context.key.data;
  if (shown.length !== wanted.length || !timingSafeEqual(shown, wanted)) return false;
  // Without a signature the client only asks whether the key would do.
  if (context.signature === undefined || context.blob === undefined) return true;
  return userKey.verify(context.blob, context.signature, context.hashAlgo) === true;
}

async function start(dir: string): Promise<void> {
  const files = demoFiles(dir);
  const directory = new ServedDirectory(await realpath(files.served));
  const userKey = readUserKey(files.userPublicKey);
  const server = new ssh2.Server({ hostKeys: [readFileSync(files.hostKey)] }, (client) => {
    // Its types do not know the method. With Nagle's algorithm small answers would wait for each other.
    (client as unknown as Pick<Socket, 'setNoDelay'>).setNoDelay(true);
    // A client may go away in the middle of anything; what it had is closed below.
    client.on('error', () => {});
    client.on('authentication', (context) => {
      if (isAdmitted(context, userKey)) context.accept();
      else context.reject(['publickey']);
    });
    client.on('session', (accept) => {
      accept().on('sftp', (acceptSftp) => {
        const handler = new SftpHandler(acceptSftp(), directory);
        client.on('close', () => void handler.end());
      });
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.send?.({ port } satisfies ServerStarted);
  });
}

// The demo is gone, by whatever way: nobody else would end this process.
process.on('disconnect', () => process.exit(0));
// Ctrl-C on a terminal reaches this process too; it lives until the demo has done with it.
process.on('SIGINT', () => {});
await start(process.argv[2] ?? '');
