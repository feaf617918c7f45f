/** A way to have the server make digests, and what it is tried on before its digests are trusted. */
import type { DigestAlgorithm, DigestMethod, Range, StageToken } from '../../remotes/remote.ts';
import type { DigestBack } from './digest-back.ts';

/** The bytes on the server that a provider is tried on. */
export interface Trial {
  readonly of: StageToken | Uint8Array;
  /** Cells, as `Digester.digests` wants them. Called only if a provider is to be tried. */
  readonly ranges: () => Promise<readonly Range[]>;
  readonly back: DigestBack;
  readonly expectSource?: ExpectSource | undefined;
}

/**
 * Called before a provider is dropped, because a file that was changed or removed may be the reason.
 * @throws {CopyError} `source-changed`: the source is not what it was; then the provider stays
 */
export type ExpectSource = () => Promise<void>;

/** A provider that was found, and what it can be asked for. */
export interface DigestProvider {
  readonly method: DigestMethod;
  readonly algorithm: DigestAlgorithm;
  /** The most bytes of one range. */
  readonly maxRangeLength: number;
}
