/** The hosts on the way to a server, the server included: what the connections to each of them share. */
import { cleanText } from '../../../util/clean-text.ts';
import { bracketed } from './bracketed.ts';
import { credentialFromSpec, toCredentialSpec } from './credential.ts';
import { CredentialReuse } from './credential-reuse.ts';
import { dial } from './dial.ts';
import { FirstConnectionGate } from './first-connection-gate.ts';
import { HostKeyPolicy } from './host-key-policy.ts';
import { Identities } from './identities.ts';
import type { Interaction } from './interaction.ts';
import { dialThrough } from './jump-host.ts';
import { type LoadKeyFile, loadKeyFilesOnce } from './key-files.ts';
import type { SharedState } from './shared-state.ts';
import type { EmbeddedSpec } from './ssh-connection.ts';
import type { SshEnvironment } from './ssh-environment.ts';
import type { SshSettings } from './ssh-settings.ts';

export interface RouteOptions {
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
  /** Loads key files. The hosts on the way share them, so that a passphrase is asked for once. */
  readonly loadKeyFile?: LoadKeyFile;
}

export interface Route {
  readonly state: SharedState;
  /** The way to the host through which this one is reached; undefined: it is reached directly. */
  readonly jump: Route | undefined;
}

export function routeFor(given: RouteOptions): Route {
  const options = { ...given, loadKeyFile: given.loadKeyFile ?? loadKeyFilesOnce() };
  const { settings, environment, onWarning } = options;
  const { host, port, jump: through } = settings;
  const jump = through && routeFor(jumpOptions(options, through));
  const interaction = settings.batch ? undefined : options.interaction;
  const state: SharedState = {
    settings,
    dial: async (signal, isFast) =>
      jump === undefined
        ? await dial(settings, signal, isFast)
        : { stream: await dialThrough(jump.state, { host, port }, signal) },
    target: cleanText(`${bracketed(host)}:${port}`),
    interaction,
    password: environment.variables['MT_COPY_PASSWORD'],
    policy: new HostKeyPolicy(settings, interaction, onWarning ?? (() => {})),
    identities: new Identities(settings.authentication, interaction, environment, onWarning, options.loadKeyFile),
    gate: new FirstConnectionGate(),
    reuse: new CredentialReuse(settings.asksForEach && interaction !== undefined),
    onDetail: options.onDetail,
    open: 0,
    mayLogInAnew: options.mayLogInAnew ?? true,
  };
  return { state, jump };
}

/** The password of the environment is that of the server, so that no other host gets it. */
function jumpOptions({ onDetail: _, environment, ...others }: RouteOptions, settings: SshSettings): RouteOptions {
  const { MT_COPY_PASSWORD: __, ...variables } = environment.variables;
  return { ...others, environment: { ...environment, variables }, settings };
}

/** The present state as plain data. */
export function routeSpec({ state, jump }: Route): EmbeddedSpec {
  const { settings, hostKey, credential } = state;
  const through = jump === undefined ? {} : { jump: routeSpec(jump) };
  if (hostKey === undefined || credential === undefined) return { kind: 'embedded', settings, ...through };
  return {
    kind: 'embedded',
    settings,
    settled: { hostKey: hostKey.blob, credential: toCredentialSpec(credential) },
    ...through,
  };
}

/** Uses what the first connections of another thread have determined. */
export function settleRoute({ state, jump }: Route, { settled, jump: through }: EmbeddedSpec): void {
  if (jump !== undefined && through !== undefined) settleRoute(jump, through);
  if (settled === undefined) return;
  state.hostKey = { blob: Buffer.from(settled.hostKey), arePasswordsAllowed: true };
  state.credential = credentialFromSpec(settled.credential);
  state.reuse.settle(state.credential);
  state.gate.settle();
}
