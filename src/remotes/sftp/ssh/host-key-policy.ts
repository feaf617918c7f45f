/** Decides whether the host key of a server is accepted, by pins, known_hosts and StrictHostKeyChecking. */
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { fingerprintOf, keyTypeOf, signatureAlgorithms } from './host-key.ts';
import type { Interaction } from './interaction.ts';
import { findKnownKeys, judgeKey, type KeyJudgement, type KnownKey, lookupNames } from './known-hosts.ts';
import { appendKnownHost, readKnownHostsFiles } from './known-hosts-files.ts';
import { revokedBy } from './revoked-keys.ts';
import type { SshSettings, StrictHostKeyChecking } from './ssh-settings.ts';

export interface HostKeyVerdict {
  /**
   * False where the key is not the known one and StrictHostKeyChecking is off. Then, as in OpenSSH, only public keys
   * are used for authentication, which reveal nothing to an attacker in between.
   */
  readonly arePasswordsAllowed: boolean;
}

interface Shown {
  readonly blob: Uint8Array;
  readonly type: string;
  readonly fingerprint: string;
}

/**
 * Judges the host keys of one server. The known_hosts files are read once, and again after a key was added. A revoked
 * key is never accepted. With pins, only pinned keys are accepted.
 */
export class HostKeyPolicy {
  readonly #settings: SshSettings;
  readonly #interaction: Interaction | undefined;
  readonly #onWarning: (message: string) => void;
  readonly #names: ReturnType<typeof lookupNames>;
  #known: Promise<KnownKey[]> | undefined;

  /** @param onWarning gets sentences for people about problems that do not end the connection */
  constructor(settings: SshSettings, interaction: Interaction | undefined, onWarning: (message: string) => void) {
    this.#settings = settings;
    this.#interaction = settings.batch ? undefined : interaction;
    this.#onWarning = onWarning;
    this.#names = lookupNames(settings.host, settings.port, settings.hostKeys.alias);
  }

  /**
   * The host key algorithms to offer. Those of the keys that are known for this host come first, because a server with
   * several keys could otherwise show one that is not known, which would look like a changed key (OpenSSH's
   * order_hostkeyalgs).
   */
  async algorithms(): Promise<readonly string[]> {
    const { hostKeys, hostKeysChosen } = this.#settings.algorithms;
    if (hostKeysChosen || this.#settings.hostKeys.pins.length > 0) return hostKeys;
    const known = await this.#knownKeys();
    const exact = known.filter((key) => key.marker === undefined && !key.isBare);
    const plain = exact.length > 0 ? exact : known.filter((key) => key.marker === undefined);
    const first = new Set(plain.flatMap((key) => signatureAlgorithms(key.type)));
    return [...hostKeys.filter((name) => first.has(name)), ...hostKeys.filter((name) => !first.has(name))];
  }

  /** Whether a key of this host and port is known, which means that there was a server before. */
  async isKnownHost(): Promise<boolean> {
    if (this.#settings.hostKeys.pins.length > 0) return true;
    return (await this.#knownKeys()).some(({ marker, isBare }) => marker === undefined && !isBare);
  }

  /**
   * Judges the key of the first connection. May ask the user, and may write to known_hosts.
   * @throws {CopyError} `host-key-unknown`: when it is not known and not accepted; `host-key-changed`: when another key
   *   is known or pinned; `host-key-revoked`: when it is revoked
   */
  async check(blob: Uint8Array): Promise<HostKeyVerdict> {
    const shown = describe(blob);
    const judgement = judgeKey(await this.#knownKeys(), blob);
    await this.#expectNotRevoked(shown, judgement);
    if (this.#settings.hostKeys.pins.length > 0) return this.#checkPins(shown);
    if (judgement.state === 'ok') return { arePasswordsAllowed: true };
    const strict = this.#strictness();
    if (judgement.state === 'changed') {
      const error = this.#changed(shown, judgement);
      if (strict !== 'no') throw error;
      this.#onWarning(`${error.message} Continuing without passwords because of StrictHostKeyChecking=no.`);
      return { arePasswordsAllowed: false };
    }
    if (strict === 'yes') throw await this.#unknown(shown);
    if (strict === 'ask' && !(await this.#askUser(shown))) throw await this.#unknown(shown);
    await this.#remember(shown);
    return { arePasswordsAllowed: true };
  }

  /**
   * Judges the key `blob` of a later connection, where that of the first connection was `accepted`.
   * @throws {CopyError} `host-key-changed` of scope `connection`: when it is another key that is neither known nor
   *   pinned; `host-key-revoked`: when it is revoked
   */
  async checkAgain(blob: Uint8Array, accepted: Uint8Array): Promise<void> {
    if (Buffer.compare(blob, accepted) === 0) return;
    const shown = describe(blob);
    const judgement = judgeKey(await this.#knownKeys(), blob);
    await this.#expectNotRevoked(shown, judgement);
    const { pins } = this.#settings.hostKeys;
    const right = pins.length > 0 ? pins.includes(shown.fingerprint) : judgement.state === 'ok';
    if (right) return;
    throw new CopyError(
      'host-key-changed',
      `${this.#hostText()} showed another key (${shown.type} ${shown.fingerprint}) than on the first connection.`,
      { scope: 'connection', retry: false, advice: 'Ask the owner whether several machines share this name.' },
    );
  }

  #strictness(): StrictHostKeyChecking {
    const strict = this.#settings.hostKeys.strict ?? 'ask';
    return strict === 'ask' && this.#interaction === undefined ? 'yes' : strict;
  }

  #knownKeys(): Promise<KnownKey[]> {
    const { userFiles, globalFiles } = this.#settings.hostKeys;
    this.#known ??= readKnownHostsFiles([...userFiles, ...globalFiles]).then((files) =>
      findKnownKeys(files, this.#names),
    );
    return this.#known;
  }

  #checkPins(shown: Shown): HostKeyVerdict {
    if (this.#settings.hostKeys.pins.includes(shown.fingerprint)) return { arePasswordsAllowed: true };
    throw new CopyError(
      'host-key-changed',
      `${this.#hostText()} showed a key that is not pinned: ${shown.type} ${shown.fingerprint}.`,
      {
        advice:
          'Ask the owner of the server; if the pin is of a key of another type, choose it with -o HostKeyAlgorithms.',
      },
    );
  }

  #askUser(shown: Shown): Promise<boolean> {
    const question = { host: this.#hostText(), keyType: shown.type, fingerprint: shown.fingerprint };
    return this.#interaction?.trustHostKey(question) ?? Promise.resolve(false);
  }

  /** Adds the key to known_hosts. A failure is only a warning, because the key is accepted for this run anyway. */
  async #remember(shown: Shown): Promise<void> {
    const file = this.#settings.hostKeys.userFiles[0];
    if (file === undefined) return;
    const host = {
      file,
      name: this.#names.name,
      type: shown.type,
      blob: shown.blob,
      hash: this.#settings.hostKeys.hashNames,
    };
    try {
      if (await appendKnownHost(host)) this.#known = undefined;
      else this.#onWarning(`The name ${cleanText(this.#names.name)} cannot be written to ${cleanText(file)}.`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#onWarning(`The host key could not be added to ${cleanText(file)}: ${cleanText(reason)}.`);
    }
  }

  async #unknown(shown: Shown): Promise<CopyError> {
    const authority = (await this.#knownKeys()).find((key) => key.marker === 'cert-authority');
    const note =
      authority === undefined ? '' : ` (the certificate authority in ${authority.where} cannot be used here)`;
    return new CopyError(
      'host-key-unknown',
      `The key of ${this.#hostText()} is not known: ${shown.type} ${shown.fingerprint}${note}.`,
      {
        advice: `If its owner confirms the fingerprint, add it to known_hosts or use --pin-host-key ${shown.fingerprint}.`,
      },
    );
  }

  #changed(shown: Shown, judgement: KeyJudgement): CopyError {
    const where = judgement.where[0] ?? '';
    const file = where.slice(0, where.lastIndexOf(':'));
    const remove = `ssh-keygen -f ${quote(file)} -R ${quote(this.#names.name)}`;
    return new CopyError(
      'host-key-changed',
      `The key of ${this.#hostText()} is not the known one: it showed ${shown.type} ${shown.fingerprint}, and ` +
        `${judgement.where.join(', ')} ${judgement.where.length > 1 ? 'have' : 'has'} ${judgement.knownTypes.join(', ')}.`,
      { advice: `Somebody may be listening: ask the owner first; if the key did change, run: ${remove}` },
    );
  }

  async #expectNotRevoked(shown: Shown, { state, where }: KeyJudgement): Promise<void> {
    const others = await revokedBy(shown.blob, this.#settings.hostKeys.revokedFiles);
    const by = [...(state === 'revoked' ? where : []), ...others];
    if (by.length === 0) return;
    throw new CopyError(
      'host-key-revoked',
      `The key of ${this.#hostText()} is revoked: ${shown.type} ${shown.fingerprint}, by ${by.join(', ')}.`,
    );
  }

  /** The host as the user typed it, with the port where that is not 22. */
  #hostText(): string {
    const { typedHost, port } = this.#settings;
    return cleanText(port === 22 ? typedHost : `[${typedHost}]:${port}`);
  }
}

function describe(blob: Uint8Array): Shown {
  return { blob, type: keyTypeOf(blob) ?? 'unknown', fingerprint: fingerprintOf(blob) };
}

function quote(text: string): string {
  return /^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
