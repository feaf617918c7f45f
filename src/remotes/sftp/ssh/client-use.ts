import type { CopyError } from '../../../errors.ts';
import type { EmbeddedClient } from './embedded-client.ts';

/** What has become of a client that is logged in: it is told how the connection ends. */
export interface OpenedClient {
  /** Whether it has failed or was closed. */
  readonly isOver: boolean;
  /** ssh2 reports that the connection has ended, with an error or without one. */
  onEnd(error: unknown): void;
  /** Ends the connection with `error`. */
  fail(error: CopyError): void;
}

/** What a connection is for: a channel of the sftp subsystem, or a stream to another host. */
export interface ClientUse<T extends OpenedClient> {
  /**
   * Opens it on a client that is logged in. Calls one of the listeners, once. May throw what ssh2 throws where the
   * connection has broken down.
   * @param isFirst whether this connection determined the credential
   */
  begin(client: EmbeddedClient, isFirst: boolean, listener: ClientUseListener<T>): void;
}

export interface ClientUseListener<T> {
  onOpened(opened: T): void;
  onFailed(error: CopyError): void;
}
