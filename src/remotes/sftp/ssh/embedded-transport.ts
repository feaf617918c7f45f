/** SSH connections by ssh2, without the ssh program of the system. */
import { cleanText } from '../../../util/clean-text.ts';
import { ConnectionAttempt } from './connection-attempt.ts';
import { credentialFromSpec, toCredentialSpec } from './credential.ts';
import { CredentialReuse, notReusable } from './credential-reuse.ts';
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
  /** Asks the user; never used with `settings.batch`. */
  readonly interaction?: Interaction;
  /** Gets sentences for people about problems that do not end the connection. Default: they are ignored. */
  readonly onWarning?: (message: string) => void;
  /** Gets sentences for people who want to know details. Default: they are ignored. */
  readonly onDetail?: (message: string) => void;
  /**
   * Whether a connection may find out a new credential where that of the first connection is refused. Default: true.
   */
  readonly mayLogInAnew?: boolean;
}

/**
 * Opens connections to one server. The first one determines host key and credential; the others send the same
 * credential and no other, unless it is refused (see {@link CredentialReuse}). Secrets stay in memory as long as the
 * transport does.
 */
export class EmbeddedTransport implements SshTransport {
  readonly #shared: SharedState;

  constructor(options: EmbeddedTransportOptions) {
    const { settings, environment, onWarning } = options;
    const { host, port } = settings;
    const interaction = settings.batch ? undefined : options.interaction;
    this.#shared = {
      settings,
      target: cleanText(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`),
      interaction,
      password: environment.variables['MT_COPY_PASSWORD'],
      policy: new HostKeyPolicy(settings, interaction, onWarning ?? (() => {})),
      identities: new Identities(settings.authentication, interaction, environment, onWarning),
      gate: new FirstConnectionGate(),
      reuse: new CredentialReuse(),
      onDetail: options.onDetail,
      open: 0,
      mayLogInAnew: options.mayLogInAnew ?? true,
    };
  }

  /** For another thread: never asks the user, and sends only the credential of the first connection. */
  static fromSpec({ settings, settled }: SshSpec): EmbeddedTransport {
    const environment = { home: '', user: settings.user, variables: {} };
    const transport = new EmbeddedTransport({
      settings: { ...settings, batch: true },
      environment,
      mayLogInAnew: false,
    });
    if (settled === undefined) return transport;
    transport.#shared.hostKey = { blob: Buffer.from(settled.hostKey), arePasswordsAllowed: true };
    transport.#shared.credential = credentialFromSpec(settled.credential);
    transport.#shared.reuse.settle(transport.#shared.credential);
    transport.#shared.gate.settle();
    return transport;
  }

  get spec(): SshSpec {
    const { settings, hostKey, credential } = this.#shared;
    if (hostKey === undefined || credential === undefined) return { settings };
    return { settings, settled: { hostKey: hostKey.blob, credential: toCredentialSpec(credential) } };
  }

  /**
   * {@inheritDoc SshTransport.open}
   *
   * @throws {CopyError} also `usage`: when this machine lacks an algorithm; `protocol` of scope `run`: when the two
   *   sides have no algorithm in common; `host-key-changed` of scope `connection`: when a later connection shows
   *   another key than the first; `connection-refused` without `retry`: when the server refuses to a later connection
   *   what it accepted from the first one; `credential-not-reusable`: when it does, and the credential may be valid
   *   only once
   */
  async open(_id: number, signal: AbortSignal, onAdmitted: () => void = () => {}): Promise<SshConnection> {
    // Otherwise, it would fail with this error only after the key exchange.
    if (this.#shared.reuse.isRefused && this.#shared.open > 0) throw notReusable();
    return new ConnectionAttempt(this.#shared, onAdmitted).open(signal);
  }
}
