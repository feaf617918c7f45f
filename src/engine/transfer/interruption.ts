/** The reasons why a file job stops transferring although the file has not failed. */
import type { CopyError } from '../../errors.ts';

/** The transfer has to stop, and continues with what the server still has. */
export class Interrupted extends Error {
  override readonly name: string = 'Interrupted';
  override readonly cause: CopyError;

  constructor(cause: CopyError) {
    super(cause.message);
    this.cause = cause;
  }
}

/** What was transferred so far is lost: the file begins again, and the user is told. */
export class StartOver extends Interrupted {
  override readonly name = 'StartOver';
}

/** The file begins again, because the server has more of it elsewhere. */
export class BeginAgain extends Error {
  override readonly name = 'BeginAgain';
}
