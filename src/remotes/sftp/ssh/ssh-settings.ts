/** All settings for one server, with every default filled in, as plain data that can be passed to other threads. */

export type StrictHostKeyChecking = 'yes' | 'no' | 'ask' | 'accept-new';
export type AuthenticationMethod = 'publickey' | 'keyboard-interactive' | 'password';

export interface SshSettings {
  /** The host as the user typed it, for messages. */
  readonly typedHost: string;
  /** The host to connect to: the typed host, or `HostName`. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The command whose input and output take the place of the TCP connection; undefined: there is none. */
  readonly proxyCommand?: string;
  /** The host through which this one is reached; undefined: it is reached directly, or by the proxy command. */
  readonly jump?: SshSettings;
  /** 0: any. */
  readonly addressFamily: 0 | 4 | 6;
  /** The local address that connections come from; undefined: the system chooses it. */
  readonly bindAddress?: string;
  /** The time for TCP and key exchange together, and for each answer of the server after that. */
  readonly connectTimeoutMs: number;
  /** How often an idle connection is tested with a request; 0: never. */
  readonly keepaliveIntervalMs: number;
  /** Whether the user must never be asked. */
  readonly batch: boolean;
  /** Whether the user may be asked for each connection, where a credential is good only once. */
  readonly asksForEach: boolean;
  /** Whether both sides compress what they send, where the server can. */
  readonly compression: boolean;
  /** Whether data may bypass the public interface of ssh2: see `fast-outlet.ts`. */
  readonly fastPath: boolean;
  readonly hostKeys: HostKeySettings;
  readonly authentication: AuthenticationSettings;
  readonly algorithms: AlgorithmSettings;
}

export interface HostKeySettings {
  /** Default: `ask` where the user can be asked, otherwise `yes`. */
  readonly strict?: StrictHostKeyChecking;
  /** New keys are added to the first one. */
  readonly userFiles: readonly string[];
  /** These are only read. */
  readonly globalFiles: readonly string[];
  /** Files of keys that are never accepted. */
  readonly revokedFiles: readonly string[];
  readonly alias?: string;
  readonly hashNames: boolean;
  /** Fingerprints: `SHA256:` and 43 characters. If there are any, no other key is accepted. */
  readonly pins: readonly string[];
}

export interface AuthenticationSettings {
  /** The methods that may be used, in order of preference. */
  readonly methods: readonly AuthenticationMethod[];
  /** The private key files. */
  readonly identityFiles: readonly IdentityFile[];
  /** Whether only the keys in the identity files may be used, even if the agent has others. */
  readonly identitiesOnly: boolean;
  /** The algorithms with which keys may sign. */
  readonly keyAlgorithms: readonly string[];
  /** The path of the socket of the agent. */
  readonly agentSocket?: string;
  readonly passwordPrompts: number;
}

export interface IdentityFile {
  readonly path: string;
  /** Whether the user named it; otherwise, it is in one of the usual places. */
  readonly explicit: boolean;
}

/** The algorithms to offer, in order of preference. */
export interface AlgorithmSettings {
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
  readonly keyExchange: readonly string[];
  readonly hostKeys: readonly string[];
  /** Whether the user chose the host key algorithms, so that their order must not be changed. */
  readonly hostKeysChosen: boolean;
}
