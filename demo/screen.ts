/** Where the demo writes. On a terminal the last line may be drawn over; elsewhere there are only whole lines. */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #animated: boolean;
  #drawn = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#animated = stream.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  line(text = ''): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  /** Shown until something else is. */
  draw(text: string): void {
    if (!this.#animated) return;
    const room = Math.max(1, (this.#stream.columns || 80) - 1);
    this.#stream.write(`\r\x1b[2K${text.slice(0, room)}`);
    this.#drawn = true;
  }

  clear(): void {
    if (!this.#drawn) return;
    this.#stream.write('\r\x1b[2K');
    this.#drawn = false;
  }
}

/** `########............` */
export function bar(part: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, part)) * width);
  return '#'.repeat(full) + '.'.repeat(width - full);
}
