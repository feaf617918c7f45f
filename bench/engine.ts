// npm run bench -- engine: what the engine costs beside the bytes, for 1 TiB, 1,024 connections, 100,000 files.
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { ENGINE_ROWS, type EngineRow } from './support/engine/engine-rows.ts';
import { CONNECTIONS, TIB } from './support/engine/engine-scene.ts';
import { finishScene } from './support/finish-scene.ts';
import { runInTurn } from './support/in-turn.ts';
import type { Run } from './support/rows.ts';
import { measureRun } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { engineSheet } from './support/sheets/engine.ts';

const RUNS = 3;
/** Followed by the name of a row: this process is the one that runs it. */
const ROW_FLAG = '--row';

function measureRow({ name }: EngineRow): Promise<Run> {
  return measureRun(name, {
    command: process.execPath,
    args: [process.argv[1]!, ROW_FLAG, name],
    env: process.env,
  });
}

async function measureAll(args: readonly string[]): Promise<void> {
  const choice = chooseRuns(args, ENGINE_ROWS, () => RUNS);
  say(`In turn: ${choice.chosen.map(({ name }) => name).join(', ')} ...`);
  const runs = await runInTurn(choice, measureRow, ({ tool, cpuSeconds, maxRssMiB }) => {
    return `${tool}: ${cpuSeconds?.toFixed(2)} s of the processor, ${maxRssMiB?.toFixed(0)} MiB`;
  });
  await finishScene(engineSheet, {
    items: choice.chosen,
    facts: { bytes: TIB, connections: CONNECTIONS },
    runs,
    complete: choice.complete,
  });
}

await benchMain(async () => {
  const args = process.argv.slice(2);
  if (args[0] !== ROW_FLAG) return measureAll(args);
  await ENGINE_ROWS.find(({ name }) => name === args[1])?.run();
});
