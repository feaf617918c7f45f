import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { freePort } from './ports.ts';
import { type RunningProcess, run, runOk, startProcess } from './process.ts';
import { placeKey } from './server-keys.ts';
import { requireServer } from './servers.ts';
import { type HostKeyType, publicKey } from './ssh-keys.ts';
import { makeTempDir, type TempDir } from './temp-dir.ts';
import { assembleServer, readIfThere, type TestServer, withFreePort } from './test-server.ts';
import { waitFor } from './wait-for.ts';

export interface SshdOptions {
  /** Lines for sshd_config; each replaces ours of the same keyword. `Match` blocks last. */
  config?: readonly string[];
  /** No commands, only SFTP. */
  forceSftp?: boolean;
  maxStartups?: string;
  /** Where sessions begin; the server's own `home` unless set. */
  startDirectory?: string;
  /** More options of internal-sftp, such as `-P remove` to refuse a request. */
  sftpOptions?: string;
  /** The `Subsystem sftp` command; internal-sftp unless set. */
  subsystem?: string;
  logLevel?: 'INFO' | 'VERBOSE' | 'DEBUG1' | 'DEBUG2' | 'DEBUG3';
  /** Who may log in; the current user unless set. As root, `nobody` too. */
  user?: string;
  hostKeyTypes?: readonly HostKeyType[];
}

const isRoot = process.getuid?.() === 0;

let penalties: Promise<string[]> | undefined;

/** 9.8 and later ban addresses that fail often, which tests do on purpose; earlier ones refuse to know the word. */
async function penaltyLines(sshd: string): Promise<string[]> {
  const { stderr } = await run(sshd, ['-V']);
  const version = /OpenSSH_(\d+)\.(\d+)/.exec(stderr);
  const known = version !== null && Number(version[1]) * 100 + Number(version[2]) >= 908;
  return known ? ['PerSourcePenalties no'] : [];
}

async function prepareHome(dir: TempDir, user: string): Promise<void> {
  await Promise.all([mkdir(dir.file('home')), mkdir(dir.file('login'))]);
  if (user === userInfo().username) return;
  const ids = await Promise.all([runOk('id', ['-u', user]), runOk('id', ['-g', user])]);
  await chown(dir.file('home'), Number(ids[0].stdout), Number(ids[1].stdout));
  // The way to home, and the list of keys that sshd reads as that user.
  await chmod(dir.path, 0o755);
  await chmod(dir.file('authorized_keys'), 0o644);
}

/** What sessions run must not read the startup files of whoever tests, nor wait for what those do. */
function login(dir: TempDir): string {
  return `HOME=${dir.file('login')}`;
}

function sshdConfig(dir: TempDir, port: number, options: SshdOptions, more: readonly string[]): string {
  const keys = (options.hostKeyTypes ?? ['ed25519', 'rsa']).map((type) => `HostKey ${dir.file(`host_${type}`)}`);
  const sftp = `internal-sftp -d ${options.startDirectory ?? dir.file('home')} ${options.sftpOptions ?? ''}`.trimEnd();
  const lines = [
    `ListenAddress 127.0.0.1:${port}`,
    ...keys,
    `AuthorizedKeysFile ${dir.file('authorized_keys')}`,
    'PidFile none',
    `LogLevel ${options.logLevel ?? 'VERBOSE'}`,
    `MaxStartups ${options.maxStartups ?? '100:30:200'}`,
    ...(options.forceSftp ? [`ForceCommand ${sftp}`] : []),
    'StrictModes no',
    'UsePAM no',
    'UseDNS no',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    `Subsystem sftp ${options.subsystem ?? sftp}`,
    `SetEnv ${login(dir)}`,
    ...more,
  ];
  // sshd keeps the first value it reads, and a Match block has no end: the caller's lines come last, ours give way.
  const own = (options.config ?? []).join('\n').replaceAll(/^SetEnv (?!.*HOME=)/gm, `SetEnv ${login(dir)} `);
  const overridden = new Set(
    own
      .toLowerCase()
      .match(/^\s*\w+/gm)
      ?.map((word) => word.trim()),
  );
  const kept = lines.filter((line) => !overridden.has(line.split(' ', 1)[0]?.toLowerCase() ?? ''));
  return `${kept.join('\n')}\n${own}\n`;
}

async function launch(sshd: string, dir: TempDir): Promise<RunningProcess> {
  const logFile = dir.file('sshd.log');
  const server = await startProcess(sshd, ['-D', '-f', dir.file('sshd_config'), '-E', logFile], { stdio: 'ignore' });
  let ended = false;
  server.exited.then(() => {
    ended = true;
  });
  const log = () => readIfThere(logFile);
  try {
    await waitFor(async () => ended || (await log()).includes('Server listening on'), { what: 'sshd to listen' });
    if (ended) throw new Error(`sshd did not start: ${await log()}`);
    return server;
  } catch (error) {
    await server.stopTree();
    throw error;
  }
}

export async function startSshd(options: SshdOptions = {}): Promise<TestServer> {
  const sshd = requireServer('sshd');
  const user = options.user ?? userInfo().username;
  const types = options.hostKeyTypes ?? ['ed25519', 'rsa'];
  // sshd insists on its privilege separation directory, which its start script makes, and that script never ran here.
  if (isRoot) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const dir = await makeTempDir('sshd');
  try {
    const keyed = types.map((type) => placeKey(dir.file(`host_${type}`), type));
    penalties ??= penaltyLines(sshd);
    const [lines] = await Promise.all([penalties, placeKey(dir.file('user_key'), 'ed25519'), ...keyed]);
    await writeFile(dir.file('authorized_keys'), `${await publicKey(dir.file('user_key'))}\n`, { mode: 0o600 });
    await prepareHome(dir, user);
    const started = await withFreePort(freePort, async (port) => {
      await writeFile(dir.file('sshd_config'), sshdConfig(dir, port, options, lines));
      return { port, server: await launch(sshd, dir) };
    });
    const hostKeys = await Promise.all(types.map((type) => publicKey(dir.file(`host_${type}`))));
    return await assembleServer({ dir, user, hostKeys, logFiles: [dir.file('sshd.log')], ...started });
  } catch (error) {
    await dir.remove();
    throw error;
  }
}
