/** What the SFTP remote needs from SSH; the embedded transport and the system's ssh both give it. */
import type { Duplex, Readable, Writable } from 'node:stream';
import type { CopyError } from '../../../errors.ts';
import type { PacketOutlet } from '../session-outlet.ts';
import type { CredentialSpec } from './credential.ts';
import type { SshSettings } from './ssh-settings.ts';

/** All that another thread needs to make connections like these, secrets included: for memory alone. Cloneable. */
export interface SshSpec {
  readonly settings: SshSettings;
  /** What the first connection settled; without it the other thread would have to. */
  readonly settled?: {
    readonly hostKey: Uint8Array;
    readonly credential: CredentialSpec;
  };
}

export interface SshTransport {
  /** As of now. */
  readonly spec: SshSpec;

  /**
   * One TCP connection, encrypted and authenticated. Calls may overlap: the first to be made settles host key and
   * credential (and may ask the user), the others do TCP and key exchange meanwhile and wait for it before they show
   * any secret. If the first fails with scope `run`, so do those that wait, and the next call is first; otherwise one of
   * them takes its place. `onAdmitted` is called when the server has accepted the credential.
   *
   * Rejects with `connection-failed`, `connection-refused`, `connection-lost` (scope `connection`), or with one of
   * `host-key-*`, `authentication-failed`, `subsystem-missing`, `cancelled` (scope `run`).
   */
  open(id: number, signal: AbortSignal, onAdmitted?: () => void): Promise<SshConnection>;
}

export interface SshConnection {
  /** The identification line of the server, `SSH-2.0-` left out. Hostile until cleaned. */
  readonly software: string;
  /** The sftp subsystem's channel. Once a connection. */
  readonly sftp: Duplex;
  /** A way into that channel on which WRITEs are not copied, where there is one. */
  readonly outlet?: PacketOutlet | undefined;
  /**
   * Waits, at most `ms`, until the program behind that channel has ended and everything it said has come; the channel has
   * to be read meanwhile. Never rejects.
   */
  programEnd(ms: number): Promise<ProgramEnd>;
  /** Resolves once, when the connection is gone: with the reason, or undefined after {@link close}. Never rejects. */
  readonly closed: Promise<CopyError | undefined>;
  /**
   * Runs a command in a channel beside that of sftp. Nothing that comes from a user or a server belongs into `command`:
   * the server's shell reads it. Rejects with `unsupported` where the server refuses, `connection-lost`.
   */
  exec(command: string): Promise<ExecChannel>;
  /** Says goodbye and hangs up; resolves when the socket is gone, at the latest after a second. */
  close(): Promise<void>;
}

/** What the program behind the sftp channel said beside SFTP, and how it ended. */
export interface ProgramEnd {
  /** Whether it has ended, and not the connection. */
  readonly hasEnded: boolean;
  readonly status: number | undefined;
  /** Such as `SIGKILL`, where a signal ended it. */
  readonly signal: string | undefined;
  /** The end of its error output. Hostile until cleaned. */
  readonly stderr: Uint8Array;
}

/** A command that runs on the server. Its streams never fail: they end. */
export interface ExecChannel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Read and cut to its last 1000 bytes, so that it never blocks the command. Hostile until cleaned. */
  readonly stderrTail: () => string;
  /** Resolves when the command and its output have ended: with its exit status, or undefined where it has none. Never rejects. */
  readonly exited: Promise<number | undefined>;
  /** Ends it at once. */
  close(): void;
}
