import ssh2 from 'ssh2';

/**
 * A key pair for ssh2's server. ssh2 now and then writes an Ed25519 key that it cannot read itself: another is made.
 */
export function makeSsh2Key(): { readonly private: string; readonly public: string } {
  for (let attempt = 1; ; attempt++) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    const bad = [pair.private, pair.public]
      .map((text) => ssh2.utils.parseKey(text))
      .find((key) => key instanceof Error);
    if (bad === undefined) return pair;
    if (attempt === 20) throw bad;
  }
}
