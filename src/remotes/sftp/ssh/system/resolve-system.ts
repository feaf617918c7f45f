/** Finds out how the ssh program of the system would reach a server. */
import { execFile } from 'node:child_process';
import { CopyError } from '../../../../errors.ts';
import { readableText } from '../../codec/readable-text.ts';
import { bracketed } from '../bracketed.ts';
import { splitWords } from '../config/directive.ts';
import { type Jump, parseJumps } from '../config/proxy-jump.ts';
import type { Tokens } from '../option-values.ts';
import { expectPlainName } from '../proxy-command.ts';
import { remoteIdentity } from '../remote-identity.ts';
import { checkName, defaultKeepaliveMs } from '../resolve-options.ts';
import { childEnvironment, type SshEnvironment } from '../ssh-environment.ts';
import { DEFAULT_CONNECT_TIMEOUT_MS, type SshInput } from '../ssh-options.ts';
import { type SystemSpec, userOptions } from './system-spec.ts';

/** How long `ssh -G` may take: it runs the commands of `Match exec`, and may look up names. */
const SETTINGS_MS = 60_000;
const MAX_OUTPUT = 1 << 20;
/** So many hosts at most are on the way to a server. */
const MAX_JUMPS = 8;
const isWindows = process.platform === 'win32';

/**
 * The settings in effect, as `ssh -G` prints them.
 * @throws {CopyError} `usage`: when there is no such program, or it refuses an option or a file
 */
export async function systemSettings(input: SshInput): Promise<readonly string[]> {
  const { program, options, host } = commandFor(input);
  const jumps = input.jumps === undefined ? [] : ['-J', input.jumps];
  const args = [...program.slice(1), '-G', ...jumps, ...options, '--', host];
  const settings = { env: childEnvironment(), timeout: SETTINGS_MS, maxBuffer: MAX_OUTPUT, windowsHide: true };
  return new Promise((resolve, reject) => {
    execFile(program[0]!, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.split(/\r?\n/).filter((line) => line !== ''));
      else reject(notUsable(program[0]!, error, stderr));
    });
  });
}

/**
 * @throws {CopyError} `usage`: as {@link systemSettings}, or when an option was given that only connections made by this
 *   program itself have
 */
export async function resolveSystem(input: SshInput, environment: SshEnvironment): Promise<SystemSpec> {
  const lines = await systemSettings(input);
  const valueFor = (keyword: string): string | undefined => valueIn(lines, keyword);
  const host = (valueFor('hostname') ?? input.host).toLowerCase();
  const port = Number(valueFor('port') ?? input.port ?? 22);
  const user = valueFor('user') ?? input.user ?? environment.user;
  checkName('host', host);
  checkName('user', user);
  const [proxyJump, proxyCommand] = [valueFor('proxyjump'), valueFor('proxycommand')];
  const { program, options: given } = commandFor(input);
  const options = isWindows && input.jumps !== undefined ? ['-J', input.jumps, ...given] : given;
  const hasRemoteCommand = (valueFor('remotecommand') ?? 'none') !== 'none';
  const common = { kind: 'system', program, host: input.host, configFile: input.configFile, isSettled: false } as const;
  return {
    ...common,
    ...(await wayFor(input, proxyJump, { h: host, n: input.host, p: `${port}`, r: user })),
    // Older programs do not know it, and do not print it.
    options: [...(hasRemoteCommand ? ['-o', 'RemoteCommand=none'] : []), ...options],
    isProxied: proxyJump !== undefined || proxyCommand !== undefined,
    identity: remoteIdentity(host, port, user, proxyJump ?? proxyCommand),
    target: readableText(Buffer.from(`${bracketed(host)}:${port}`)),
    batch: input.batch || valueFor('batchmode') === 'yes',
    asksForEach: input.asksForEach ?? false,
    connectTimeoutMs:
      input.connectTimeoutMs ?? (Number(valueFor('connecttimeout')) * 1000 || DEFAULT_CONNECT_TIMEOUT_MS),
    keepaliveIntervalMs: defaultKeepaliveMs(input),
  };
}

/**
 * The hosts on the way, with those on the way to the first of them. On Windows, no shell that is known here runs a proxy
 * command: ssh goes the way by itself.
 */
async function wayFor(
  input: SshInput,
  proxyJump: string | undefined,
  percent: Tokens['percent'],
): Promise<Pick<SystemSpec, 'jumps'>> {
  let jumps = isWindows ? [] : jumpsIn(proxyJump, percent);
  const { program, configFile } = input;
  while (jumps.length > 0 && jumps.length <= MAX_JUMPS) {
    const { host, user, port } = jumps[0]!;
    const settings = await systemSettings({
      host,
      ...{ ...(program !== undefined && { program }), ...(configFile !== undefined && { configFile }) },
      ...{ ...(user !== undefined && { user }), ...(port !== undefined && { port }) },
    });
    const before = jumpsIn(valueIn(settings, 'proxyjump'), { n: host });
    if (before.length === 0) break;
    jumps = [...before, ...jumps];
  }
  if (jumps.length > MAX_JUMPS) {
    throw new CopyError('usage', `More than ${MAX_JUMPS} hosts are on the way to ${input.host}.`, {
      advice: 'A host may not be reached through itself: ProxyJump none ends the way.',
    });
  }
  return { jumps };
}

function jumpsIn(proxyJump: string | undefined, percent: Tokens['percent']): readonly Jump[] {
  if (proxyJump === undefined) return [];
  return parseJumps({ keyword: 'ProxyJump', label: 'ProxyJump', words: [proxyJump], text: proxyJump }, percent);
}

function valueIn(lines: readonly string[], keyword: string): string | undefined {
  return lines.find((line) => line.startsWith(`${keyword} `))?.slice(keyword.length + 1);
}

function commandFor(input: SshInput): Pick<SystemSpec, 'program' | 'options' | 'host'> {
  const { host, user, program: command = 'ssh', pinnedHostKeys = [] } = input;
  checkName('host', host);
  // It may become part of a command in a file of ssh, and older programs do not check it.
  expectPlainName('--ssh', host);
  if (user !== undefined) checkName('user', user);
  if (pinnedHostKeys.length > 0) {
    throw new CopyError('usage', "--pin-host-key does not work with the system's ssh.", {
      advice: 'Put the key into a file, and name it with -o UserKnownHostsFile=FILE -o StrictHostKeyChecking=yes.',
    });
  }
  const program = splitWords(command, '--ssh-command');
  if (program.length === 0) throw new CopyError('usage', '--ssh-command names no program.');
  return { program, options: userOptions(input), host };
}

function notUsable(program: string, error: Error, stderr: string): CopyError {
  if ('code' in error && error.code === 'ENOENT') {
    return new CopyError('usage', `There is no program ${readableText(Buffer.from(program))}.`, {
      advice: "Install OpenSSH's client, or leave --ssh out.",
      cause: error,
    });
  }
  if ('killed' in error && error.killed === true) {
    const message = `ssh -G has not ended within ${SETTINGS_MS / 1000} s.`;
    return new CopyError('usage', message, {
      advice: 'Look at the commands of Match exec and the names that it looks up.',
      cause: error,
    });
  }
  const said = readableText(Buffer.from(stderr), 500) || error.message;
  return new CopyError(
    'usage',
    `${readableText(Buffer.from(program))} refuses its settings: ${said.replace(/\.+$/, '')}.`,
    {
      advice: 'Correct the option or the file that it names.',
      cause: error,
    },
  );
}
