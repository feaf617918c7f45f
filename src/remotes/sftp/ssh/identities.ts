/** Decides which keys are offered to the server, and in which order. */
import { cleanText } from '../../../util/clean-text.ts';
import { listAgentIdentities, SilentAgentError } from './agent.ts';
import type { Identity } from './identity.ts';
import type { Interaction } from './interaction.ts';
import { type KeyFile, keyFileIdentity, type LoadKeyFile, loadKeyFile } from './key-files.ts';
import { secretTries } from './secrets.ts';
import type { SshEnvironment } from './ssh-environment.ts';
import type { AuthenticationSettings } from './ssh-settings.ts';

const PASSPHRASE_TRIES = 3;
/** The algorithms of RSA keys by their hashes (RFC 8332). */
const RSA_ALGORITHMS: Readonly<Record<string, string>> = {
  sha1: 'ssh-rsa',
  sha256: 'rsa-sha2-256',
  sha512: 'rsa-sha2-512',
};
/** After this time, an agent that has not signed most likely waits for the user. */
const SIGN_PATIENCE_MS = 2000;

/**
 * The keys of a user, loaded when they are needed first. All connections share them, so that no passphrase is asked for
 * twice. A key that cannot be used is skipped and noted in {@link problems}.
 */
export class Identities {
  /** One sentence for each key or agent that could not be used. Complete when {@link inOrder} has ended. */
  readonly problems: string[] = [];
  readonly #settings: AuthenticationSettings;
  readonly #interaction: Interaction | undefined;
  readonly #passphrase: string | undefined;
  readonly #load: LoadKeyFile;
  readonly #onWarning: (message: string) => void;
  #files: Promise<KeyFile[]> | undefined;
  #agentKeys: Promise<Identity[]> | undefined;
  #isAgentSilent = false;
  #isConfirmed = false;
  #hasWarnedOfSigning = false;

  /** @param onWarning gets sentences for people about problems that do not end the connection */
  constructor(
    settings: AuthenticationSettings,
    interaction: Interaction | undefined,
    environment: SshEnvironment,
    onWarning: (message: string) => void = () => {},
    load: LoadKeyFile = loadKeyFile,
  ) {
    this.#load = load;
    this.#onWarning = onWarning;
    this.#settings = settings;
    this.#interaction = interaction;
    this.#passphrase = environment.variables['MT_COPY_PASSPHRASE'];
  }

  /** Whether the last signature of an agent took so long that a person has most likely confirmed it. */
  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  /**
   * The keys in the order in which they are offered:
   *
   * 1. files that the user named, in their order; the agent signs for those that it has
   * 2. the other keys of the agent, unless `IdentitiesOnly` is set
   * 3. files in the usual places, those with a passphrase last, because the user should not be asked without need
   */
  async *inOrder(): AsyncGenerator<Identity, void, undefined> {
    for await (const identity of this.#all()) {
      if (this.#maySign(identity)) yield this.#withAllowedHash(identity);
      else this.#note(`${identity.label}: PubkeyAcceptedAlgorithms leaves out ${identity.publicKey.type}`);
    }
  }

  /** Whether one of the algorithms of the key may be used: those of RSA keys have names of their own (RFC 8332). */
  #maySign({ publicKey: { type } }: Identity): boolean {
    const algorithms = this.#settings.keyAlgorithms;
    return algorithms.includes(type) || (type === 'ssh-rsa' && algorithms.some((name) => name.startsWith('rsa-sha2-')));
  }

  /** The hash is chosen when the server has said which ones it knows; SHA-1 is the last one. */
  #withAllowedHash(identity: Identity): Identity {
    if (identity.publicKey.type !== 'ssh-rsa') return identity;
    const sign: Identity['sign'] = (data, hash) => {
      const algorithm = RSA_ALGORITHMS[hash ?? 'sha1'] ?? 'ssh-rsa';
      if (this.#settings.keyAlgorithms.includes(algorithm)) return identity.sign(data, hash);
      const why = `the server would have it sign with ${algorithm}, which PubkeyAcceptedAlgorithms leaves out`;
      const how = algorithm === 'ssh-rsa' ? ' unless it has +ssh-rsa (SHA-1)' : '';
      return this.#noteFailure(Promise.reject(new Error(`${identity.label}: ${why}${how}`)));
    };
    return { ...identity, sign };
  }

  async *#all(): AsyncGenerator<Identity, void, undefined> {
    const files = await this.#loadFiles();
    const agentKeys = await this.#loadAgent();
    const inAgent = (file: KeyFile): Identity | undefined =>
      agentKeys.find((identity) => file.publicKey !== undefined && sameKey(identity, file.publicKey));
    const offered = new Set<Identity>();
    for (const file of files.filter(({ explicit }) => explicit)) {
      const identity = inAgent(file);
      if (identity === undefined) yield* this.#fromFile(file);
      else if (!offered.has(identity)) yield identity;
      if (identity !== undefined) offered.add(identity);
    }
    const usual = files.filter(({ explicit }) => !explicit);
    const ofUsual = new Set(usual.map(inAgent));
    const mayOffer = (identity: Identity): boolean => !this.#settings.identitiesOnly || ofUsual.has(identity);
    yield* agentKeys.filter((identity) => !offered.has(identity) && mayOffer(identity));
    const rest = usual.filter((file) => inAgent(file) === undefined);
    for (const isEncrypted of [false, true]) {
      for (const file of rest.filter((one) => one.isEncrypted === isEncrypted)) yield* this.#fromFile(file);
    }
  }

  async *#fromFile(file: KeyFile): AsyncGenerator<Identity, void, undefined> {
    if (!file.hasPrivateKey) {
      this.#note(`${cleanText(file.path)}: holds only the public half, and no agent has the other one`);
      return;
    }
    const tries = secretTries(this.#passphrase, this.#interaction, PASSPHRASE_TRIES);
    try {
      const publicKey = file.publicKey ?? (await file.unlock(tries));
      const identity = keyFileIdentity(file, publicKey, tries);
      const sign: Identity['sign'] = (data, hash) => {
        this.#isConfirmed = false;
        return this.#noteFailure(identity.sign(data, hash));
      };
      yield { ...identity, sign };
    } catch (error) {
      this.#note(error);
    }
  }

  #loadFiles(): Promise<KeyFile[]> {
    this.#files ??= Promise.all(this.#settings.identityFiles.map(this.#load)).then((loaded) =>
      loaded.flatMap((file) => {
        if (file !== undefined && 'problem' in file) this.problems.push(file.problem);
        return file === undefined || 'problem' in file ? [] : [file];
      }),
    );
    return this.#files;
  }

  /** A silent agent is asked once per run. Any other is asked each time, because keys may have been added. */
  #loadAgent(): Promise<Identity[]> {
    this.#agentKeys ??= this.#askAgent().finally(() => {
      if (!this.#isAgentSilent) this.#agentKeys = undefined;
    });
    return this.#agentKeys;
  }

  async #askAgent(): Promise<Identity[]> {
    if (this.#settings.agentSocket === undefined) return [];
    try {
      return (await listAgentIdentities(this.#settings.agentSocket)).map((identity) => this.#withNotice(identity));
    } catch (error) {
      this.#note(error);
      if (error instanceof SilentAgentError) {
        this.#isAgentSilent = true;
        this.#onWarning(`The keys of an agent are not used: ${error.message}.`);
      }
      return [];
    }
  }

  /** Tells the user when a signature takes long, because the agent may wait for a confirmation. */
  #withNotice(identity: Identity): Identity {
    const sign: Identity['sign'] = async (data, hash) => {
      this.#isConfirmed = false;
      const timer = setTimeout(() => {
        this.#isConfirmed = true;
        if (this.#hasWarnedOfSigning) return;
        this.#hasWarnedOfSigning = true;
        this.#onWarning(`The agent was asked to sign with ${identity.label}; it may wait for a confirmation.`);
      }, SIGN_PATIENCE_MS);
      try {
        return await this.#noteFailure(identity.sign(data, hash));
      } finally {
        clearTimeout(timer);
      }
    };
    return { ...identity, sign };
  }

  async #noteFailure<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  #note(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (!this.problems.includes(problem)) this.problems.push(problem);
  }
}

function sameKey(identity: Identity, key: { getPublicSSH(): Buffer }): boolean {
  return identity.publicKey.getPublicSSH().equals(key.getPublicSSH());
}
