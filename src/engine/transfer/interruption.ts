/** Why a file job stops transferring although the file has not failed. */
import type { CopyError } from '../../errors.ts';

/** The transfer has to stop, and continues with what is still there. */
export class Interrupted extends Error {
  override readonly name: string = 'Interrupted';
  override readonly cause: CopyError;

  constructor(cause: CopyError) {
    super(cause.message);
    this.cause = cause;
  }
}

/** What was transferred so far is worth nothing: the file begins again, and the user is told. */
export class StartOver extends Interrupted {
  override readonly name = 'StartOver';
}

/** The file begins again, because more of it was found elsewhere. */
export class BeginAgain extends Error {
  override readonly name = 'BeginAgain';
}
