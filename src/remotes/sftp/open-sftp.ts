/** Creates an SFTP remote together with its SSH transport. */
import { cleanText } from '../../util/clean-text.ts';
import { SftpRemote, type SftpSpec, sftpSpec } from './sftp-remote.ts';
import { settingsText } from './ssh/config/settings-text.ts';
import { EmbeddedTransport } from './ssh/embedded-transport.ts';
import type { Interaction } from './ssh/interaction.ts';
import { resolveSshRoute } from './ssh/resolve-route.ts';
import type { EmbeddedSpec } from './ssh/ssh-connection.ts';
import { SECRET_VARIABLES, type SshEnvironment } from './ssh/ssh-environment.ts';
import { DEFAULT_STALL_TIMEOUT_MS, type SshInput } from './ssh/ssh-options.ts';
import type { SshSettings } from './ssh/ssh-settings.ts';
import { resolveSystem, systemSettings } from './ssh/system/resolve-system.ts';
import type { SystemSpec } from './ssh/system/system-spec.ts';
import { SystemTransport } from './ssh/system/system-transport.ts';

export interface SshServices {
  readonly environment: SshEnvironment;
  /** Asks the user. Without it, unknown host keys are refused and encrypted keys are not used. */
  readonly interaction?: Interaction | undefined;
  /** Gets sentences for people. A warning is about a problem that does not end the connection. */
  readonly onNotice?: (level: 'detail' | 'warning', message: string) => void;
}

/**
 * The description of a remote from the options of the command line and the files of ssh, with every default filled in.
 * `onNotice` gets sentences about what of the files is not honoured.
 * @throws {CopyError} `usage`: when an option of SSH is unknown or has a bad value, or a file cannot be read
 */
export async function resolveSftp(
  ssh: SshInput,
  inFlight: number | 'auto',
  environment: SshEnvironment,
  onNotice: NonNullable<SshServices['onNotice']>,
): Promise<SftpSpec> {
  const { stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS } = ssh;
  const spec =
    ssh.program === undefined
      ? ({ kind: 'embedded', settings: resolveEmbedded(ssh, environment, onNotice) } as const)
      : await resolveSystem(ssh, environment);
  return sftpSpec({ stallTimeoutMs, inFlight }, spec);
}

/** The settings that {@link resolveSftp} finds, as `ssh -G` prints them. */
export async function sftpSettingsText(
  ssh: SshInput,
  environment: SshEnvironment,
  onNotice: NonNullable<SshServices['onNotice']>,
): Promise<readonly string[]> {
  if (ssh.program !== undefined) return await systemSettings(ssh);
  return settingsText(resolveEmbedded(ssh, environment, onNotice));
}

function resolveEmbedded(
  ssh: SshInput,
  environment: SshEnvironment,
  onNotice: NonNullable<SshServices['onNotice']>,
): SshSettings {
  // A line may apply to several hosts on the way.
  const told = new Set<string>();
  return resolveSshRoute(ssh, environment, (level, message) => {
    if (!told.has(message)) onNotice(level, message);
    told.add(message);
  });
}

/** Whether the user must never be asked. */
export function isBatch({ ssh }: SftpSpec): boolean {
  return ssh.kind === 'system' ? ssh.batch : ssh.settings.batch;
}

export function openSftp(spec: SftpSpec, services: SshServices | undefined): SftpRemote {
  const { ssh } = spec;
  return new SftpRemote(ssh.kind === 'system' ? systemTransport(ssh, services) : embedded(ssh, services), spec);
}

function embedded(spec: EmbeddedSpec, services: SshServices | undefined): EmbeddedTransport {
  if (services === undefined) return EmbeddedTransport.fromSpec(spec);
  const { environment, interaction, onNotice = () => {} } = services;
  return new EmbeddedTransport({
    settings: spec.settings,
    environment,
    onWarning: (message) => onNotice('warning', message),
    onDetail: (message) => onNotice('detail', message),
    ...(interaction && { interaction }),
  });
}

/** The program asks on the terminal itself, where somebody may be asked at all. */
function systemTransport(spec: SystemSpec, services: SshServices | undefined): SystemTransport {
  const { environment, interaction, onNotice = () => {} } = services ?? {};
  const unused = SECRET_VARIABLES.filter((name) => environment?.variables[name] !== undefined);
  if (unused.length > 0) onNotice('warning', `${unused.join(' and ')} have no effect: with --ssh, ssh asks by itself.`);
  return new SystemTransport({
    spec,
    interaction,
    onMessage: (line) => onNotice('warning', `ssh: ${cleanText(line)}`),
  });
}
