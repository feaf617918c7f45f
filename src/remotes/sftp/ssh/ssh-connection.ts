/** The interface of SSH transports, as far as the SFTP remote needs it. */
import type { Duplex, Readable, Writable } from 'node:stream';
import type { CopyError } from '../../../errors.ts';
import type { RemoteIdentity } from '../../remote.ts';
import type { PacketInlet } from '../session-inlet.ts';
import type { PacketOutlet } from '../session-outlet.ts';
import type { CredentialSpec } from './credential.ts';
import type { SshSettings } from './ssh-settings.ts';
import type { SystemSpec } from './system/system-spec.ts';

/**
 * Everything that another thread needs to open such connections. It may contain secrets: keep it in memory only.
 * Cloneable.
 */
export type SshSpec = EmbeddedSpec | SystemSpec;

/** Of connections by ssh2. */
export interface EmbeddedSpec {
  readonly kind: 'embedded';
  readonly settings: SshSettings;
  /** What the first connection determined. Without it, the other thread has to determine it. */
  readonly settled?: {
    readonly hostKey: Uint8Array;
    readonly credential: CredentialSpec;
  };
  /** The same of the host through which this one is reached. */
  readonly jump?: EmbeddedSpec;
}

export interface SshTransport {
  /** The present state as plain data. */
  readonly spec: SshSpec;
  /** The account and server, as all settings say. */
  readonly identity: RemoteIdentity;
  /** How often an idle connection is tested with a request; 0: never. */
  readonly keepaliveIntervalMs: number;
  /** Whether a connection was logged in, so that the others are as it is. */
  readonly isSettled: boolean;

  /**
   * Opens a TCP connection, encrypted and authenticated. Calls may overlap: the first call determines host key and
   * credential (and may ask the user). The others may do TCP and key exchange meanwhile, and wait for the first one
   * before they send any secret. If the first one fails with scope `run`, so do those that wait, and the next call is the
   * first again; otherwise, one of those that wait takes its place. `onAdmitted` is called when the server has accepted
   * the credential.
   * @throws {CopyError} `connection-failed`, `connection-refused`, `connection-lost` (scope `connection`): when another
   *   attempt may succeed; `host-key-*`, `authentication-failed`, `subsystem-missing`, `cancelled` (scope `run`): when
   *   none can
   */
  open(id: number, signal: AbortSignal, onAdmitted?: () => void): Promise<SshConnection>;
}

export interface SshConnection {
  /**
   * The identification line of the server without `SSH-2.0-`; empty where it is not known. It comes from the server:
   * clean it before printing.
   */
  readonly software: string;
  /** The channel of the sftp subsystem. Each connection has one. */
  readonly sftp: Duplex;
  /** Sends WRITEs to that channel without copying them; undefined where that is not possible. */
  readonly outlet?: PacketOutlet | undefined;
  /** Receives from that channel into memory that is used again; undefined where that is not possible. */
  readonly inlet?: PacketInlet | undefined;
  /**
   * Waits, at most `ms`, until the program behind that channel has ended and all its output was received. The caller
   * has to read the channel meanwhile. Never rejects.
   */
  programEnd(ms: number): Promise<ProgramEnd>;
  /** Resolves once, when the connection is gone: with the reason, or undefined after {@link close}. Never rejects. */
  readonly closed: Promise<CopyError | undefined>;
  /**
   * Runs a command in another channel of the connection. The shell of the server interprets `command`: never put
   * anything into it that comes from a user or a server.
   * @throws {CopyError} `unsupported`: when the server refuses or does not answer; `connection-lost`: when the
   *   connection ends
   */
  exec(command: string): Promise<ExecChannel>;
  /** Ends the connection. Resolves when the socket is closed, after a second at the latest. */
  close(): Promise<void>;
}

/** How the program behind the sftp channel ended, and what it printed to its error output. */
export interface ProgramEnd {
  /** Whether the program has ended, as opposed to the connection. */
  readonly hasEnded: boolean;
  readonly status: number | undefined;
  /** The signal that ended it, such as `SIGKILL`. */
  readonly signal: string | undefined;
  /** The end of its error output. Clean it before printing. */
  readonly stderr: Uint8Array;
}

/** A command that runs on the server. Its streams never emit errors; they only end. */
export interface ExecChannel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /**
   * The last 1000 bytes of its error output, which is always read so that it never blocks the command. Clean before
   * printing.
   */
  readonly stderrTail: () => string;
  /**
   * Resolves when the command and its output have ended: with its exit status, or undefined where it has none. Never
   * rejects.
   */
  readonly exited: Promise<number | undefined>;
  /** Kills the command and closes the channel. */
  close(): void;
}
