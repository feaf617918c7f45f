/** One key a user can prove to have, wherever its private half is. */
import ssh2, { type IdentityCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';

export type HashName = SigningRequestOptions['hash'];

export interface Identity {
  /** For people, such as `key /home/me/.ssh/id_ed25519`. */
  readonly label: string;
  readonly publicKey: ParsedKey;
  /**
   * Signs what the server gave; may unlock the key and so ask a person. Rejects where the key cannot be used.
   *
   * @param hash for RSA keys alone.
   */
  sign(data: Buffer, hash: HashName): Promise<Buffer>;
  /** To be asked for once it has signed. */
  spec(): IdentitySpec;
}

/** An identity that has signed, as plain data: with its secrets, for another thread of this process. */
export type IdentitySpec =
  | { readonly kind: 'file'; readonly path: string; readonly content: Uint8Array; readonly passphrase?: string }
  | { readonly kind: 'agent'; readonly socket: string; readonly publicKey: Uint8Array };

/** Lets a caller stop its clock while something takes the time it takes. */
export type Around = <T>(work: Promise<T>) => Promise<T>;

/**
 * An agent that has one key. Through it every key is used, those in files too: an agent may sign later, so that a
 * passphrase is asked only when the server has said that it would take the key.
 */
export class OneKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  private readonly identity: Identity;
  private readonly around: Around;

  constructor(identity: Identity, around: Around) {
    super();
    this.identity = identity;
    this.around = around;
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(null, [this.identity.publicKey]);
  }

  override sign(
    _publicKey: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    const hash = typeof options === 'function' ? undefined : options.hash;
    this.around(this.identity.sign(data, hash)).then(
      (signature) => done?.(null, signature),
      (error: unknown) => done?.(error instanceof Error ? error : new Error(String(error))),
    );
  }
}
