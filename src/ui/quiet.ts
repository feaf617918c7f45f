import type { TransferEvent } from '../engine/events.ts';
import { PlainUi } from './plain.ts';

/** Failures, and the listing that `--dry-run` was asked for. */
export class QuietUi extends PlainUi {
  override onEvent(event: TransferEvent): void {
    if (event.type === 'plan' || event.type === 'file' || event.type === 'result') super.onEvent(event);
  }

  override say(): void {}

  protected override planLine(): undefined {
    return undefined;
  }

  protected override summary(): undefined {
    return undefined;
  }
}
