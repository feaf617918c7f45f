/** How the ssh program of the system is called, as plain data. */
import type { RemoteIdentity } from '../../../remote.ts';
import type { Jump } from '../config/proxy-jump.ts';
import type { SshInput } from '../ssh-options.ts';
import { NEEDED_LOG_LEVEL } from './error-output.ts';
import { jumpCommand } from './jump-command.ts';

/** Everything that another thread needs to open such connections. Cloneable. */
export interface SystemSpec {
  readonly kind: 'system';
  /** The program and its first arguments. */
  readonly program: readonly string[];
  /** The options of the user, as arguments. */
  readonly options: readonly string[];
  /** `-F`, which counts for the hosts on the way as well. */
  readonly configFile: string | undefined;
  /** The hosts on the way, the nearest one first. */
  readonly jumps: readonly Jump[];
  /** As typed; never begins with `-`. */
  readonly host: string;
  /** The account and server as the program understands them. */
  readonly identity: RemoteIdentity;
  /** For messages. */
  readonly target: string;
  /** Whether the user must never be asked. */
  readonly batch: boolean;
  /** Whether the user may be asked for each connection. */
  readonly asksForEach: boolean;
  readonly connectTimeoutMs: number;
  readonly keepaliveIntervalMs: number;
  /** Whether a connection was logged in. */
  readonly isSettled: boolean;
}

/**
 * What other settings must not change. scp and sftp pass most of it too (scp.c, sftp.c, `main`). Each connection has to
 * have a TCP connection of its own, so that no other one may be shared.
 */
const ALWAYS = [
  ...['ControlMaster=no', 'ControlPath=none', 'ControlPersist=no', `LogLevel=${NEEDED_LOG_LEVEL}`],
  ...['ClearAllForwardings=yes', 'ForwardAgent=no', 'ForwardX11=no', 'PermitLocalCommand=no', 'RemoteCommand=none'],
];

/** The options of the command line, as ssh has them. */
export function userOptions(input: SshInput): string[] {
  const { configFile, port, user, ciphers, addressFamily } = input;
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...(port === undefined ? [] : ['-p', `${port}`]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(ciphers === undefined ? [] : ['-c', ciphers]),
    ...(addressFamily === undefined ? [] : [`-${addressFamily}`]),
    ...(input.compression ? ['-C'] : []),
    ...(input.identityFiles ?? []).flatMap((file) => ['-i', file]),
    ...(input.options ?? []).flatMap((option) => ['-o', option]),
  ];
}

/** The options for one run of ssh: of several equal ones, it uses the first. */
export function optionsFor(spec: SystemSpec, mayAsk: boolean): string[] {
  const { options, jumps, program, configFile } = spec;
  const all = [...ALWAYS, ...(mayAsk ? [] : ['BatchMode=yes']), `ConnectTimeout=${seconds(spec)}`];
  const own = all.flatMap((option) => ['-o', option]);
  const file = configFile === undefined ? [] : ['-F', configFile];
  const command =
    jumps.length > 0 ? [`ProxyCommand=${jumpCommand({ program, options: [...file, ...own], jumps })}`] : [];
  return ['-T', ...own, ...command.flatMap((option) => ['-o', option]), ...options];
}

function seconds({ connectTimeoutMs }: SystemSpec): number {
  return Math.max(1, Math.ceil(connectTimeoutMs / 1000));
}
