/** The few terminal sequences the progress display uses, obeyed: what a person would see. */
export class Screen {
  readonly rows: string[] = [''];
  #row = 0;
  #column = 0;

  constructor(output: string) {
    for (const [token] of output.matchAll(/\x1b\[[?\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+/g)) this.#obey(token);
  }

  /** Without the empty rows at the end. */
  get lines(): string[] {
    const end = this.rows.findLastIndex((row) => row !== '');
    return this.rows.slice(0, end + 1);
  }

  #obey(token: string): void {
    if (token === '\n') {
      this.#row++;
      this.#column = 0;
      this.rows[this.#row] ??= '';
    } else if (token === '\r') this.#column = 0;
    else if (token.startsWith('\x1b')) this.#control(token);
    else {
      const row = this.rows[this.#row]!.padEnd(this.#column);
      this.rows[this.#row] = row.slice(0, this.#column) + token + row.slice(this.#column + token.length);
      this.#column += token.length;
    }
  }

  #control(token: string): void {
    const count = Number(/\d+/.exec(token)?.[0] ?? 1);
    if (token.endsWith('A')) this.#row = Math.max(0, this.#row - count);
    else if (token.endsWith('B')) this.#row += count;
    else if (token.endsWith('G')) this.#column = 0;
    else if (token === '\x1b[2K') this.rows[this.#row] = '';
    else if (token === '\x1b[K') this.rows[this.#row] = this.rows[this.#row]!.slice(0, this.#column);
    else if (!/[hlm]$/.test(token)) throw new Error(`unknown sequence ${JSON.stringify(token)}`);
  }
}
