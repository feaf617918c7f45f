declare module 'ssh2/lib/protocol/crypto.js' {
  const crypto: {
    /** Settles when the part of ssh2 is ready that is in WebAssembly. */
    readonly init: Promise<void>;
  };
  export default crypto;
}
