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
  /** Whether there is something on the way: these hosts, or a proxy command. */
  readonly isProxied: boolean;
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
  ...['ControlMaster=no', 'ControlPath=none', 'ControlPersist=no'],
  ...['ClearAllForwardings=yes', 'ForwardAgent=no', 'ForwardX11=no', 'PermitLocalCommand=no'],
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
  const { options, jumps, program, configFile, isProxied } = spec;
  const common = [...ALWAYS, ...(mayAsk ? [] : ['BatchMode=yes'])];
  const timeout = `ConnectTimeout=${seconds(spec)}`;
  const file = configFile === undefined ? [] : ['-F', configFile];
  // At a higher level, what is logged for a host on the way would be taken for what concerns the server.
  const ofJumps = [...file, ...asOptions([...common, timeout, 'LogLevel=INFO'])];
  const own = [
    ...common,
    `LogLevel=${NEEDED_LOG_LEVEL}`,
    // ssh would apply it to the whole login at a host on the way, with the questions that are asked there.
    ...(isProxied ? [] : [timeout]),
    ...(jumps.length > 0 ? [`ProxyCommand=${jumpCommand({ program, options: ofJumps, jumps })}`] : []),
  ];
  return ['-T', ...asOptions(own), ...options];
}

function asOptions(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['-o', setting]);
}

function seconds({ connectTimeoutMs }: SystemSpec): number {
  return Math.max(1, Math.ceil(connectTimeoutMs / 1000));
}
