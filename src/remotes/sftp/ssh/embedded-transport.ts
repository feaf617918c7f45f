/** SSH without a program called ssh: connections by ssh2. */

import { credentialFromSpec, toCredentialSpec } from './credential.ts';
import { CredentialReuse, notReusable } from './credential-reuse.ts';
import { ConnectionAttempt } from './embedded-connection.ts';
import { FirstConnectionGate } from './first-connection-gate.ts';
import { HostKeyPolicy } from './host-key-policy.ts';
import { Identities } from './identities.ts';
import type { Interaction } from './interaction.ts';
import type { SharedState } from './shared-state.ts';
import type { SshConnection, SshSpec, SshTransport } from './ssh-connection.ts';
import type { SshEnvironment } from './ssh-environment.ts';
import type { SshSettings } from './ssh-settings.ts';

export interface EmbeddedTransportOptions {
  readonly settings: SshSettings;
  readonly environment: SshEnvironment;
  /** Whom to ask; never used with `settings.batch`. */
  readonly interaction?: Interaction;
  /** Gets sentences for people about what could not be done though the connection is right; ignored by default. */
  readonly warn?: (message: string) => void;
  /** Gets sentences for people who want to know details; ignored by default. */
  readonly detail?: (message: string) => void;
  /** Whether a connection may log in anew where what let the first one in is refused. Default: true. */
  readonly mayLogInAnew?: boolean;
}

/**
 * Connections to one server. Secrets stay in memory as long as the transport does: the credential that let the first
 * connection in is the only one the others show.
 */
export class EmbeddedTransport implements SshTransport {
  private readonly shared: SharedState;

  constructor(options: EmbeddedTransportOptions) {
    const { settings, environment, warn } = options;
    const interaction = settings.batch ? undefined : options.interaction;
    this.shared = {
      settings,
      interaction,
      password: environment.variables['MT_COPY_PASSWORD'],
      policy: new HostKeyPolicy(settings, interaction, warn ?? (() => {})),
      identities: new Identities(settings.authentication, interaction, environment, warn),
      gate: new FirstConnectionGate(),
      reuse: new CredentialReuse(),
      detail: options.detail,
      open: 0,
      mayLogInAnew: options.mayLogInAnew ?? true,
    };
  }

  /** In another thread: asks nobody, and shows only what let the first connection in. */
  static fromSpec({ settings, settled }: SshSpec): EmbeddedTransport {
    const environment = { home: '', user: settings.user, variables: {} };
    const transport = new EmbeddedTransport({
      settings: { ...settings, batch: true },
      environment,
      mayLogInAnew: false,
    });
    if (settled === undefined) return transport;
    transport.shared.hostKey = { blob: Buffer.from(settled.hostKey), passwordsAllowed: true };
    transport.shared.credential = credentialFromSpec(settled.credential);
    transport.shared.reuse.settle(transport.shared.credential);
    transport.shared.gate.settle();
    return transport;
  }

  get spec(): SshSpec {
    const { settings, hostKey, credential } = this.shared;
    if (hostKey === undefined || credential === undefined) return { settings };
    return { settings, settled: { hostKey: hostKey.blob, credential: toCredentialSpec(credential) } };
  }

  /**
   * {@inheritDoc SshTransport.open}
   *
   * Beside those errors: `usage` for algorithms this machine lacks; `protocol` of scope
   * `run` where the two sides have no algorithm in common; `host-key-changed` of scope `connection` for a later
   * connection that shows another key than the first. What was refused to a later connection, though it let the first
   * one in, is `connection-refused` without `retry`, or `credential-not-reusable` where it may have been good for one time
   * only.
   */
  async open(_id: number, signal: AbortSignal, onAdmitted: () => void = () => {}): Promise<SshConnection> {
    // It would be told so after the key exchange.
    if (this.shared.reuse.isRefused && this.shared.open > 0) throw notReusable();
    return new ConnectionAttempt(this.shared, signal, onAdmitted).open();
  }
}
