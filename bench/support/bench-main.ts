import { say } from './say.ts';

/** Runs a bench; what goes wrong is said in one line. */
export async function benchMain(main: () => Promise<void>): Promise<void> {
  await main().catch((error: Error) => {
    say(`The bench failed: ${error.message}`);
    process.exitCode = 1;
  });
}
