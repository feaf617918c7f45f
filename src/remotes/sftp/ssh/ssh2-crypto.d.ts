declare module 'ssh2/lib/protocol/crypto.js' {
  const crypto: {
    /** Settles when the WebAssembly part of ssh2 is ready. */
    readonly init: Promise<void>;
  };
  export default crypto;
}
