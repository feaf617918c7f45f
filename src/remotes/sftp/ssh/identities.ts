/** Which keys are offered to the server, and in which order. */
import type { Interaction } from '../../remote.ts';
import { listAgentIdentities } from './agent.ts';
import type { Identity } from './identity.ts';
import { type KeyFile, keyFileIdentity, loadKeyFile } from './key-files.ts';
import { secretTries } from './secrets.ts';
import type { SshEnvironment } from './ssh-environment.ts';
import type { AuthenticationSettings } from './ssh-settings.ts';

const passphraseTries = 3;

/** The keys of a user, loaded when they are first asked for; shared by all attempts, so that nothing is asked twice. */
export class Identities {
  /** What could not be used, a sentence each; complete once {@link inOrder} has ended. */
  readonly problems: string[] = [];
  private readonly settings: AuthenticationSettings;
  private readonly interaction: Interaction | undefined;
  private readonly passphrase: string | undefined;
  private files: Promise<KeyFile[]> | undefined;

  constructor(settings: AuthenticationSettings, interaction: Interaction | undefined, environment: SshEnvironment) {
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

  private async loadAgent(): Promise<Identity[]> {
    if (this.settings.agentSocket === undefined) return [];
    try {
      return await listAgentIdentities(this.settings.agentSocket);
    } catch (error) {
      this.note(error);
      return [];
    }
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
