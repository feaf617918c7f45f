import type { TransferEvent } from '../engine/events.ts';
import { PlainUi } from './plain.ts';

/** Failures, and the listing that `--dry-run` was asked for. */
export class QuietUi extends PlainUi {
  override onEvent(event: TransferEvent): void {
    switch (event.type) {
      case 'plan':
      case 'file':
      case 'result':
        return super.onEvent(event);
      case 'connection':
      case 'notice':
      case 'progress':
        return;
      default:
        event satisfies never;
    }
  }

  override say(): void {}

  protected override planLine(): undefined {
    return undefined;
  }

  protected override summary(): undefined {
    return undefined;
  }
}
