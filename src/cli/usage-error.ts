import { CopyError } from '../errors.ts';

/** A mistake in the command line or the environment: `message` says which, `advice` what to write instead. */
export function usageError(message: string, advice?: string): CopyError {
  return new CopyError('usage', message, advice === undefined ? {} : { advice });
}
