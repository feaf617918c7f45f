/** Whether the key a server shows is accepted: pins, known_hosts and StrictHostKeyChecking together. */
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { fingerprintOf, keyTypeOf, signatureAlgorithms } from './host-key.ts';
import type { Interaction } from './interaction.ts';
import { findKnownKeys, judgeKey, type KeyJudgement, type KnownKey, lookupNames } from './known-hosts.ts';
import { appendKnownHost, readKnownHostsFiles } from './known-hosts-files.ts';
import type { SshSettings, StrictHostKeyChecking } from './ssh-settings.ts';

export interface HostKeyVerdict {
  /**
   * False where the key is not the known one and the user said not to care: then, as with OpenSSH, only public keys are
   * used, which tell nothing to whoever listens.
   */
  readonly passwordsAllowed: boolean;
}

interface Shown {
  readonly blob: Uint8Array;
  readonly type: string;
  readonly fingerprint: string;
}

export class HostKeyPolicy {
  private readonly settings: SshSettings;
  private readonly interaction: Interaction | undefined;
  private readonly warn: (message: string) => void;
  private readonly names: ReturnType<typeof lookupNames>;
  private known: Promise<KnownKey[]> | undefined;

  /** `warn` gets sentences for people that stop nothing. */
  constructor(settings: SshSettings, interaction: Interaction | undefined, warn: (message: string) => void) {
    this.settings = settings;
    this.interaction = settings.batch ? undefined : interaction;
    this.warn = warn;
    this.names = lookupNames(settings.host, settings.port, settings.hostKeys.alias);
  }

  /**
   * What to offer, with the types first that are known for this host: a server with several keys would otherwise show
   * another one and look changed (OpenSSH's order_hostkeyalgs).
   */
  async algorithms(): Promise<readonly string[]> {
    const { hostKeys, hostKeysChosen } = this.settings.algorithms;
    if (hostKeysChosen || this.settings.hostKeys.pins.length > 0) return hostKeys;
    const known = await this.knownKeys();
    const exact = known.filter((key) => key.marker === undefined && !key.bare);
    const plain = exact.length > 0 ? exact : known.filter((key) => key.marker === undefined);
    const first = new Set(plain.flatMap((key) => signatureAlgorithms(key.type)));
    return [...hostKeys.filter((name) => first.has(name)), ...hostKeys.filter((name) => !first.has(name))];
  }

  /** Whether the user knows a key of this host and port, so that a server has been there before. */
  async isKnownHost(): Promise<boolean> {
    if (this.settings.hostKeys.pins.length > 0) return true;
    return (await this.knownKeys()).some(({ marker, bare }) => marker === undefined && !bare);
  }

  /**
   * Judges the key of the first connection; may ask, may write to known_hosts.
   *
   * @throws {CopyError} `host-key-unknown`, `host-key-changed`, `host-key-revoked`.
   */
  async check(blob: Uint8Array): Promise<HostKeyVerdict> {
    const shown = describe(blob);
    const judgement = judgeKey(await this.knownKeys(), blob);
    if (judgement.state === 'revoked') throw this.revoked(shown, judgement);
    if (this.settings.hostKeys.pins.length > 0) return this.checkPins(shown);
    if (judgement.state === 'ok') return { passwordsAllowed: true };
    const strict = this.strictness();
    if (judgement.state === 'changed') {
      const error = this.changed(shown, judgement);
      if (strict !== 'no') throw error;
      this.warn(`${error.message} Going on without passwords, as StrictHostKeyChecking=no says.`);
      return { passwordsAllowed: false };
    }
    if (strict === 'yes') throw await this.unknown(shown);
    if (strict === 'ask' && !(await this.askUser(shown))) throw await this.unknown(shown);
    await this.remember(shown);
    return { passwordsAllowed: true };
  }

  /**
   * Whether a later connection may show `blob`, where the first one showed `accepted`.
   *
   * @throws {CopyError} `host-key-changed` of scope `connection`.
   */
  async checkAgain(blob: Uint8Array, accepted: Uint8Array): Promise<void> {
    if (Buffer.compare(blob, accepted) === 0) return;
    const shown = describe(blob);
    const judgement = judgeKey(await this.knownKeys(), blob);
    const { pins } = this.settings.hostKeys;
    const right = pins.length > 0 ? pins.includes(shown.fingerprint) : judgement.state === 'ok';
    if (right && judgement.state !== 'revoked') return;
    throw new CopyError(
      'host-key-changed',
      `${this.hostText()} showed another key (${shown.type} ${shown.fingerprint}) than on the first connection.`,
      { scope: 'connection', retry: false, advice: 'Ask the owner whether several machines share this name.' },
    );
  }

  private strictness(): StrictHostKeyChecking {
    const strict = this.settings.hostKeys.strict ?? 'ask';
    return strict === 'ask' && this.interaction === undefined ? 'yes' : strict;
  }

  private knownKeys(): Promise<KnownKey[]> {
    const { userFiles, globalFiles } = this.settings.hostKeys;
    this.known ??= readKnownHostsFiles([...userFiles, ...globalFiles]).then((files) =>
      findKnownKeys(files, this.names),
    );
    return this.known;
  }

  private checkPins(shown: Shown): HostKeyVerdict {
    if (this.settings.hostKeys.pins.includes(shown.fingerprint)) return { passwordsAllowed: true };
    throw new CopyError(
      'host-key-changed',
      `${this.hostText()} showed a key that is not pinned: ${shown.type} ${shown.fingerprint}.`,
      {
        advice:
          'Ask the owner of the server; if the pin is of a key of another type, choose it with -o HostKeyAlgorithms.',
      },
    );
  }

  private askUser(shown: Shown): Promise<boolean> {
    const question = { host: this.hostText(), keyType: shown.type, fingerprint: shown.fingerprint };
    return this.interaction?.trustHostKey(question) ?? Promise.resolve(false);
  }

  /** A key that cannot be written down is still good for this run. */
  private async remember(shown: Shown): Promise<void> {
    const file = this.settings.hostKeys.userFiles[0];
    if (file === undefined) return;
    const host = {
      file,
      name: this.names.name,
      type: shown.type,
      blob: shown.blob,
      hash: this.settings.hostKeys.hashNames,
    };
    try {
      if (await appendKnownHost(host)) this.known = undefined;
      else this.warn(`The name ${cleanText(this.names.name)} cannot be written to ${cleanText(file)}.`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.warn(`The host key could not be added to ${cleanText(file)}: ${cleanText(reason)}.`);
    }
  }

  private async unknown(shown: Shown): Promise<CopyError> {
    const authority = (await this.knownKeys()).find((key) => key.marker === 'cert-authority');
    const note =
      authority === undefined ? '' : ` (the certificate authority in ${authority.where} cannot be used here)`;
    return new CopyError(
      'host-key-unknown',
      `The key of ${this.hostText()} is not known: ${shown.type} ${shown.fingerprint}${note}.`,
      {
        advice: `If its owner confirms the fingerprint, add it to known_hosts or use --pin-host-key ${shown.fingerprint}.`,
      },
    );
  }

  private changed(shown: Shown, judgement: KeyJudgement): CopyError {
    const where = judgement.where[0] ?? '';
    const file = where.slice(0, where.lastIndexOf(':'));
    const remove = `ssh-keygen -f ${quote(file)} -R ${quote(this.names.name)}`;
    return new CopyError(
      'host-key-changed',
      `The key of ${this.hostText()} is not the known one: it showed ${shown.type} ${shown.fingerprint}, and ` +
        `${judgement.where.join(', ')} ${judgement.where.length > 1 ? 'have' : 'has'} ${judgement.knownTypes.join(', ')}.`,
      { advice: `Somebody may be listening: ask the owner first; if the key did change, run: ${remove}` },
    );
  }

  private revoked(shown: Shown, judgement: KeyJudgement): CopyError {
    return new CopyError(
      'host-key-revoked',
      `The key of ${this.hostText()} is revoked: ${shown.type} ${shown.fingerprint}, by ${judgement.where.join(', ')}.`,
    );
  }

  /** As typed, with the port where it is not 22. */
  private hostText(): string {
    const { typedHost, port } = this.settings;
    return cleanText(port === 22 ? typedHost : `[${typedHost}]:${port}`);
  }
}

function describe(blob: Uint8Array): Shown {
  return { blob, type: keyTypeOf(blob) ?? 'unknown', fingerprint: fingerprintOf(blob) };
}

function quote(text: string): string {
  return /^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
