/** Tells the user; stdout is for results. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}
