/** Which keys are offered to the server, and in which order. */

import { listAgentIdentities, SilentAgentError } from './agent.ts';
import type { Identity } from './identity.ts';
import type { Interaction } from './interaction.ts';
import { type KeyFile, keyFileIdentity, loadKeyFile } from './key-files.ts';
import { secretTries } from './secrets.ts';
import type { SshEnvironment } from './ssh-environment.ts';
import type { AuthenticationSettings } from './ssh-settings.ts';

const passphraseTries = 3;
/** An agent that needs nobody has signed by then. */
const SIGN_PATIENCE_MS = 2000;

/** The keys of a user, loaded when they are first asked for; shared by all attempts, so that nothing is asked twice. */
export class Identities {
  /** What could not be used, a sentence each; complete once {@link inOrder} has ended. */
  readonly problems: string[] = [];
  private readonly settings: AuthenticationSettings;
  private readonly interaction: Interaction | undefined;
  private readonly passphrase: string | undefined;
  private readonly warn: (message: string) => void;
  private files: Promise<KeyFile[]> | undefined;
  private agentKeys: Promise<Identity[]> | undefined;
  private isAgentSilent = false;
  private isToldOfSigning = false;

  /** `warn` gets sentences for people that stop nothing. */
  constructor(
    settings: AuthenticationSettings,
    interaction: Interaction | undefined,
    environment: SshEnvironment,
    warn: (message: string) => void = () => {},
  ) {
    this.warn = warn;
    this.settings = settings;
    this.interaction = interaction;
    this.passphrase = environment.variables['MT_COPY_PASSPHRASE'];
  }

  /**
   * Keys of the agent that the user named by file, then files the user named, the usual files that need no passphrase, the
   * agent's other keys, and last what may need a passphrase nobody should be asked for without need. `IdentitiesOnly`
   * leaves the agent's other keys out.
   */
  async *inOrder(): AsyncGenerator<Identity, void, undefined> {
    const files = await this.loadFiles();
    const agentKeys = await this.loadAgent();
    const inAgent = (file: KeyFile): Identity | undefined =>
      agentKeys.find((identity) => file.publicKey !== undefined && sameKey(identity, file.publicKey));
    const named = new Set(files.map(inAgent).filter((identity) => identity !== undefined));
    yield* named;
    const rest = files.filter((file) => inAgent(file) === undefined && file.hasPrivateKey);
    const early = rest.filter((file) => file.explicit || !file.encrypted);
    for (const file of early) yield* this.fromFile(file);
    if (!this.settings.identitiesOnly) yield* agentKeys.filter((identity) => !named.has(identity));
    for (const file of rest.filter((one) => !early.includes(one))) yield* this.fromFile(file);
  }

  private async *fromFile(file: KeyFile): AsyncGenerator<Identity, void, undefined> {
    const tries = secretTries(this.passphrase, this.interaction, passphraseTries);
    try {
      const publicKey = file.publicKey ?? (await file.unlock(tries));
      const identity = keyFileIdentity(file, publicKey, tries);
      yield { ...identity, sign: (data, hash) => this.noting(identity.sign(data, hash)) };
    } catch (error) {
      this.note(error);
    }
  }

  private loadFiles(): Promise<KeyFile[]> {
    this.files ??= Promise.all(this.settings.identityFiles.map(loadKeyFile)).then((loaded) =>
      loaded.flatMap((file) => {
        if (file !== undefined && 'problem' in file) this.problems.push(file.problem);
        return file === undefined || 'problem' in file ? [] : [file];
      }),
    );
    return this.files;
  }

  /** One that is silent is asked once a run; any other again, as keys may have been added. */
  private loadAgent(): Promise<Identity[]> {
    this.agentKeys ??= this.askAgent().finally(() => {
      if (!this.isAgentSilent) this.agentKeys = undefined;
    });
    return this.agentKeys;
  }

  private async askAgent(): Promise<Identity[]> {
    if (this.settings.agentSocket === undefined) return [];
    try {
      return (await listAgentIdentities(this.settings.agentSocket)).map((identity) => this.telling(identity));
    } catch (error) {
      this.note(error);
      if (error instanceof SilentAgentError) {
        this.isAgentSilent = true;
        this.warn(`The keys of an agent are not used: ${error.message}.`);
      }
      return [];
    }
  }

  /** Its signatures may wait for a person to confirm, who has to know. */
  private telling(identity: Identity): Identity {
    const sign: Identity['sign'] = async (data, hash) => {
      const timer = setTimeout(() => {
        if (this.isToldOfSigning) return;
        this.isToldOfSigning = true;
        this.warn(`The agent was asked to sign with ${identity.label}; it may wait for somebody to confirm that.`);
      }, SIGN_PATIENCE_MS);
      try {
        return await this.noting(identity.sign(data, hash));
      } finally {
        clearTimeout(timer);
      }
    };
    return { ...identity, sign };
  }

  private async noting<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.note(error);
      throw error;
    }
  }

  private note(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (!this.problems.includes(problem)) this.problems.push(problem);
  }
}

function sameKey(identity: Identity, key: { getPublicSSH(): Buffer }): boolean {
  return identity.publicKey.getPublicSSH().equals(key.getPublicSSH());
}
