/** A key with which the user can authenticate, whether its private half is in a file or in an agent. */
import ssh2, { type IdentityCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';

export type HashName = SigningRequestOptions['hash'];

export interface Identity {
  /** For people, such as `key /home/me/.ssh/id_ed25519`. */
  readonly label: string;
  readonly publicKey: ParsedKey;
  /**
   * Signs the data of the server. May ask the user for a passphrase. Rejects where the key cannot be used.
   * @param hash set only for RSA keys
   */
  sign(data: Buffer, hash: HashName): Promise<Buffer>;
  /** The identity as plain data. To be called only after it has signed, because only then the passphrase is known. */
  spec(): IdentitySpec;
}

/** An identity as plain data, including its secrets, for another thread of this process. */
export type IdentitySpec =
  | { readonly kind: 'file'; readonly path: string; readonly content: Uint8Array; readonly passphrase?: string }
  | { readonly kind: 'agent'; readonly socket: string; readonly publicKey: Uint8Array };

/** Stops a deadline while `work` is waited for. */
export type Around = <T>(work: Promise<T>) => Promise<T>;

/**
 * An agent for ssh2 that has one key. Keys in files are used in this way, too, because ssh2 asks an agent for a
 * signature only after the server has accepted the public key. So no passphrase is asked for in vain.
 */
export class OneKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #identity: Identity;
  readonly #around: Around;

  constructor(identity: Identity, around: Around) {
    super();
    this.#identity = identity;
    this.#around = around;
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(null, [this.#identity.publicKey]);
  }

  override sign(
    _publicKey: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    const hash = typeof options === 'function' ? undefined : options.hash;
    this.#around(this.#identity.sign(data, hash)).then(
      (signature) => done?.(null, signature),
      (error: unknown) => done?.(error instanceof Error ? error : new Error(String(error))),
    );
  }
}
