// Asks for a secret again and again on the controlling terminal, for tests that watch that terminal.
import { askTerminal } from '../../src/cli/ask-terminal.ts';

const never = new AbortController().signal;
const rounds = Number(process.argv[2]);
for (let round = 0; round < rounds; round++) {
  const answer = await askTerminal('That was wrong.\nPassword: ', false, never);
  process.stdout.write(`answer ${answer?.length}\n`);
}
