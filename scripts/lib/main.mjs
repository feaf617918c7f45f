import { say } from './say.mjs';

/**
 * Runs a script; its failure is one sentence and exit code 1. What the failed program itself had to say stands above.
 */
export async function main(what, script) {
  try {
    process.exitCode = await script();
  } catch (error) {
    say(`${what}: ${error.message}`);
    process.exit(1);
  }
  process.exit();
}
