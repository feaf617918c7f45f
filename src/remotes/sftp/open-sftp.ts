/** Creates an SFTP remote together with its SSH transport. */
import { SftpRemote, type SftpSpec, sftpSpec } from './sftp-remote.ts';
import { settingsText } from './ssh/config/settings-text.ts';
import { EmbeddedTransport } from './ssh/embedded-transport.ts';
import type { Interaction } from './ssh/interaction.ts';
import { resolveSshRoute } from './ssh/resolve-route.ts';
import type { SshEnvironment } from './ssh/ssh-environment.ts';
import { DEFAULT_STALL_TIMEOUT_MS, type SshInput } from './ssh/ssh-options.ts';

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
export function resolveSftp(
  ssh: SshInput,
  inFlight: number | 'auto',
  environment: SshEnvironment,
  onNotice: NonNullable<SshServices['onNotice']>,
): SftpSpec {
  const { stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS } = ssh;
  // A line may apply to several hosts on the way.
  const told = new Set<string>();
  const settings = resolveSshRoute(ssh, environment, (level, message) => {
    if (!told.has(message)) onNotice(level, message);
    told.add(message);
  });
  return sftpSpec({ stallTimeoutMs, inFlight }, { settings });
}

/** The settings that {@link resolveSftp} finds, as `ssh -G` prints them. */
export function sftpSettingsText(
  ssh: SshInput,
  environment: SshEnvironment,
  onNotice: NonNullable<SshServices['onNotice']>,
): readonly string[] {
  return settingsText(resolveSftp(ssh, 'auto', environment, onNotice).ssh.settings);
}

export function openSftp(spec: SftpSpec, services: SshServices | undefined): SftpRemote {
  if (services === undefined) return new SftpRemote(EmbeddedTransport.fromSpec(spec.ssh), spec);
  const { environment, interaction, onNotice = () => {} } = services;
  const transport = new EmbeddedTransport({
    settings: spec.ssh.settings,
    environment,
    onWarning: (message) => onNotice('warning', message),
    onDetail: (message) => onNotice('detail', message),
    ...(interaction && { interaction }),
  });
  return new SftpRemote(transport, spec);
}
