import type { StdioOptions } from 'node:child_process';
import { chmod, chown, mkdir, open, writeFile } from 'node:fs/promises';
import { freePort, isListening } from './ports.ts';
import { type RunningProcess, startProcess } from './process.ts';
import { placeKey } from './server-keys.ts';
import { moduleDirectory, requireServer } from './servers.ts';
import { publicKey } from './ssh-keys.ts';
import { makeTempDir, type TempDir } from './temp-dir.ts';
import { assembleServer, readIfThere, type TestServer, withFreePort } from './test-server.ts';
import { waitFor } from './wait-for.ts';

export interface ProftpdOptions {
  /**
   * Each replaces our line of the same directive, or is added: `HiddenStores on`, `<Limit READ>\nDenyAll\n</Limit>`.
   */
  directives?: readonly string[];
}

export interface ProftpdServer extends TestServer {
  readonly password: string;
}

const USER = 'mt';
const UID = 20_001;
const PASSWORD = 'secret';
/** crypt(3) of the password; the user exists in this server's own file alone. */
const PASSWORD_HASH =
  '$6$fsVfgIF.x6HD.ySn$nyljVUX11EQvsTs4RiODw0Z.3dRAtyytCOF2gqlzozraEf0x1VjjO5efL8F3VohN5buF9AXRCNzNEswNRu42./';
const HOST_KEYS = ['rsa', 'ecdsa', 'ed25519'] as const;

function proftpdConfig(dir: TempDir, port: number, directives: readonly string[]): string {
  const lines = [
    'ServerName "mt test"',
    'ServerType standalone',
    'DefaultServer on',
    'DefaultAddress 127.0.0.1',
    'SocketBindTight on',
    `Port ${port}`,
    'UseIPv6 off',
    'User nobody',
    'Group nogroup',
    'Umask 022',
    'MaxInstances 200',
    `PidFile ${dir.file('proftpd.pid')}`,
    `ScoreboardFile ${dir.file('scoreboard')}`,
    // Its socket would take the place of that of the machine's own proftpd.
    '<IfModule mod_ctrls.c>\nControlsEngine off\n</IfModule>',
    'DelayEngine off',
    'WtmpLog off',
    `SystemLog ${dir.file('system.log')}`,
    'TransferLog none',
    'UseReverseDNS off',
    'RequireValidShell off',
    'AuthOrder mod_auth_file.c',
    `AuthUserFile ${dir.file('passwd')}`,
    `AuthGroupFile ${dir.file('group')}`,
    'AllowOverwrite on',
    'AllowStoreRestart on',
    'AllowRetrieveRestart on',
    'SFTPEngine on',
    `SFTPLog ${dir.file('sftp.log')}`,
    ...HOST_KEYS.map((type) => `SFTPHostKey ${dir.file(`host_${type}`)}`),
    'SFTPAuthMethods publickey password',
    `SFTPAuthorizedUserKeys file:${dir.file('authorized.rfc4716')}`,
  ];
  const replaced = new Set(directives.map((directive) => directive.split(/\s/, 1)[0]));
  const kept = lines.filter((line) => !replaced.has(line.split(' ', 1)[0]));
  const modules = [`ModulePath ${moduleDirectory()}`, 'LoadModule mod_sftp.c'];
  return `${[...modules, ...kept, ...directives].join('\n')}\n`;
}

/** The form in which mod_sftp reads the keys of who may log in. */
function rfc4716(key: string): string {
  const lines = key.split(' ')[1]?.match(/.{1,70}/g) ?? [];
  return ['---- BEGIN SSH2 PUBLIC KEY ----', ...lines, '---- END SSH2 PUBLIC KEY ----', ''].join('\n');
}

async function prepare(dir: TempDir): Promise<void> {
  await Promise.all([
    // mod_sftp reads OpenSSH's own key format for ed25519 alone.
    placeKey(dir.file('host_rsa'), 'rsa', true),
    placeKey(dir.file('host_ecdsa'), 'ecdsa', true),
    placeKey(dir.file('host_ed25519'), 'ed25519'),
    placeKey(dir.file('user_key'), 'ed25519'),
    mkdir(dir.file('home')),
  ]);
  const authorized = rfc4716(await publicKey(dir.file('user_key')));
  await writeFile(dir.file('authorized.rfc4716'), authorized, { mode: 0o644 });
  const account = `${USER}:${PASSWORD_HASH}:${UID}:${UID}:${USER}:${dir.file('home')}:/bin/bash\n`;
  await writeFile(dir.file('passwd'), account, { mode: 0o600 });
  await writeFile(dir.file('group'), `mtg:x:${UID}:\n`, { mode: 0o600 });
  await chown(dir.file('home'), UID, UID);
  await chmod(dir.path, 0o755);
}

/** In the foreground proftpd tells most of what it does on stderr, whatever SystemLog says. */
const LOGS = ['output.log', 'system.log', 'sftp.log'];

async function launch(proftpd: string, dir: TempDir, port: number): Promise<RunningProcess> {
  const log = async () => (await Promise.all(LOGS.map((name) => readIfThere(dir.file(name))))).join('');
  const output = await open(dir.file('output.log'), 'w');
  const stdio: StdioOptions = ['ignore', output.fd, output.fd];
  const server = await startProcess(proftpd, ['-n', '-c', dir.file('proftpd.conf')], { stdio }).finally(() =>
    output.close(),
  );
  let ended = false;
  server.exited.then(() => {
    ended = true;
  });
  const started = async () => (await log()).includes('STARTUP') && (await isListening(port));
  try {
    await waitFor(async () => ended || (await started()), { what: 'proftpd to listen' });
    if (!ended) return server;
    throw new Error(`proftpd did not start: ${await log()}`);
  } catch (error) {
    await server.stopTree();
    throw error;
  }
}

export async function startProftpd(options: ProftpdOptions = {}): Promise<ProftpdServer> {
  if (process.getuid?.() !== 0) throw new Error('proftpd needs root: it changes to its virtual user');
  const proftpd = requireServer('proftpd');
  const dir = await makeTempDir('proftpd');
  try {
    await prepare(dir);
    const started = await withFreePort(freePort, async (port) => {
      await writeFile(dir.file('proftpd.conf'), proftpdConfig(dir, port, options.directives ?? []));
      return { port, server: await launch(proftpd, dir, port) };
    });
    const hostKeys = await Promise.all(HOST_KEYS.map((type) => publicKey(dir.file(`host_${type}`))));
    const logFiles = LOGS.map((name) => dir.file(name));
    const server = await assembleServer({ dir, user: USER, hostKeys, logFiles, ...started });
    return { ...server, password: PASSWORD };
  } catch (error) {
    await dir.remove();
    throw error;
  }
}
