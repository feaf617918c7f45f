/** SSH connections by ssh2, without the ssh program of the system. */
import type { RemoteIdentity } from '../../remote.ts';
import { ConnectionAttempt } from './connection-attempt.ts';
import { expectReusable } from './credential-reuse.ts';
import { jumpsText } from './jumps-text.ts';
import { remoteIdentity } from './remote-identity.ts';
import { type Route, type RouteOptions, routeFor, routeSpec, settleRoute } from './route.ts';
import { SftpUse } from './sftp-use.ts';
import type { EmbeddedSpec, SshConnection, SshTransport } from './ssh-connection.ts';
import type { SshSettings } from './ssh-settings.ts';

/**
 * Opens connections to one server. The first one determines host key and credential; the others send the same
 * credential and no other, unless it is refused (see `credential-reuse.ts`). The same holds for each jump host on the
 * way, of which every connection has its own. Secrets stay in memory as long as the transport does.
 */
export class EmbeddedTransport implements SshTransport {
  readonly #route: Route;
  readonly #use: SftpUse;

  constructor(options: RouteOptions) {
    this.#route = routeFor(options);
    this.#use = new SftpUse(this.#route.state);
  }

  /** For another thread: never asks the user, and sends only the credential of the first connection. */
  static fromSpec(spec: EmbeddedSpec): EmbeddedTransport {
    const environment = { home: '', user: spec.settings.user, variables: {} };
    const settings = withoutQuestions(spec.settings);
    const transport = new EmbeddedTransport({ settings, environment, mayLogInAnew: false });
    settleRoute(transport.#route, spec);
    return transport;
  }

  get spec(): EmbeddedSpec {
    return routeSpec(this.#route);
  }

  get identity(): RemoteIdentity {
    const { host, port, user, jump, proxyCommand } = this.#route.state.settings;
    return remoteIdentity(host, port, user, jump === undefined ? proxyCommand : jumpsText(jump));
  }

  get keepaliveIntervalMs(): number {
    return this.#route.state.settings.keepaliveIntervalMs;
  }

  get isSettled(): boolean {
    return this.spec.settled !== undefined;
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
    const { state } = this.#route;
    expectReusable(state);
    return new ConnectionAttempt(state, this.#use, onAdmitted).open(signal);
  }
}

function withoutQuestions(settings: SshSettings): SshSettings {
  const { jump } = settings;
  return { ...settings, batch: true, ...(jump && { jump: withoutQuestions(jump) }) };
}
