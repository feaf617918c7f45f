/** The targets of a run, so that two of its sources do not become the same file. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';

export class TakenTargets {
  /** The sources, by the path of their target. */
  readonly #sources: Map<string, Uint8Array> = new Map();

  /** Takes `target` for `source`. Returns the failure of that source if another one has taken it before. */
  take(target: Buffer, source: Uint8Array): CopyError | undefined {
    const path = target.toString('latin1');
    const other = this.#sources.get(path);
    if (other === undefined) {
      this.#sources.set(path, source);
      return undefined;
    }
    return new CopyError('usage', `${cleanText(other)} and ${cleanText(source)} would become the same file.`, {
      scope: 'file',
      advice: 'Copy them to different directories.',
    });
  }
}
