/** What to do about one server, with every default filled in: plain data that can cross threads. */

export type StrictHostKeyChecking = 'yes' | 'no' | 'ask' | 'accept-new';
export type AuthenticationMethod = 'publickey' | 'keyboard-interactive' | 'password';

export interface SshSettings {
  /** As typed, for people. */
  readonly typedHost: string;
  /** What is dialled: the typed host, or `HostName`. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** 0: whatever the name resolves to. */
  readonly addressFamily: 0 | 4 | 6;
  /** For TCP and key exchange together, and for each answer of the server after that. */
  readonly connectTimeoutMs: number;
  /** How often a connection on which nothing is under way is asked for a sign of life; 0: never. */
  readonly keepaliveIntervalMs: number;
  /** Never ask anybody. */
  readonly batch: boolean;
  /** Whether bulk data may go past ssh2's public interface. */
  readonly fastPath: boolean;
  readonly hostKeys: HostKeySettings;
  readonly authentication: AuthenticationSettings;
  readonly algorithms: AlgorithmSettings;
}

export interface HostKeySettings {
  /** Undefined: `ask` where there is somebody to ask, `yes` otherwise. */
  readonly strict?: StrictHostKeyChecking;
  /** The first one is written to. */
  readonly userFiles: readonly string[];
  /** Never written. */
  readonly globalFiles: readonly string[];
  readonly alias?: string;
  readonly hashNames: boolean;
  /** `SHA256:` and 43 characters; if there are any, no other key is accepted. */
  readonly pins: readonly string[];
}

export interface AuthenticationSettings {
  /** What may be used, most wanted first. */
  readonly methods: readonly AuthenticationMethod[];
  /** Private key files; explicit ones were named by the user, the others are the usual places. */
  readonly identityFiles: readonly IdentityFile[];
  /** Whether only the identity files count, wherever their private halves are. */
  readonly identitiesOnly: boolean;
  /** Socket of the agent. */
  readonly agentSocket?: string;
  readonly passwordPrompts: number;
}

export interface IdentityFile {
  readonly path: string;
  readonly explicit: boolean;
}

/** Most wanted first. */
export interface AlgorithmSettings {
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
  readonly keyExchange: readonly string[];
  readonly hostKeys: readonly string[];
  /** Whether the user chose the host key algorithms, so that their order is left alone. */
  readonly hostKeysChosen: boolean;
}
