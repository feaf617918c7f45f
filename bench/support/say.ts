/** For people: stderr, so that stdout holds the tables alone. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
