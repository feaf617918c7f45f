import type { Credential } from './credential.ts';
import type { CredentialReuse } from './credential-reuse.ts';
import type { Dialled } from './dial.ts';
import type { FirstConnectionGate } from './first-connection-gate.ts';
import type { HostKeyPolicy, HostKeyVerdict } from './host-key-policy.ts';
import type { Identities } from './identities.ts';
import type { Interaction } from './interaction.ts';
import type { SshSettings } from './ssh-settings.ts';

/** What the connections of one transport share. */
export interface SharedState {
  readonly settings: SshSettings;
  /** Opens what a connection runs on: TCP, a proxy command, or a stream through a jump host. See `dial.ts`. */
  readonly dial: (signal: AbortSignal, isFast: boolean) => Promise<Dialled>;
  /** How messages name the server: its address and port. */
  readonly target: string;
  /** Absent in batch mode. */
  readonly interaction: Interaction | undefined;
  /** MT_COPY_PASSWORD. */
  readonly password: string | undefined;
  readonly policy: HostKeyPolicy;
  readonly identities: Identities;
  readonly gate: FirstConnectionGate;
  /** The key of the first connection, once it is accepted. */
  hostKey?: HostKeyVerdict & { readonly blob: Uint8Array };
  /** The credential of the first connection, once it is accepted. */
  credential?: Credential;
  readonly reuse: CredentialReuse;
  /** Gets at most one sentence for people who want to know details; undefined after that. */
  onDetail: ((message: string) => void) | undefined;
  /** How many connections are open. */
  open: number;
  /** Whether the user may be asked again, or keys be tried, when the credential of the first connection is refused. */
  readonly mayLogInAnew: boolean;
  /** Whether a TCP connection was ever opened, so that a server is there and a later attempt may reach it. */
  hasReached?: boolean;
}
