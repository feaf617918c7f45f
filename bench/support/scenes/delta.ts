import { measureRaw } from '../../../test/support/measure-raw.ts';
import type { RunningProxy } from '../../../test/support/proxy.ts';
import { type Choice, chooseRuns } from '../bench-arguments.ts';
import { DIRECTIONS, type Direction } from '../direction.ts';
import { finishScene } from '../finish-scene.ts';
import { runInTurn } from '../in-turn.ts';
import { CHANGED_BYTES, type OldVersion, writeOldVersions } from '../old-versions.ts';
import type { Run } from '../rows.ts';
import { runTransfer } from '../run-transfer.ts';
import { say } from '../say.ts';
import { deltaSheet } from '../sheets/delta.ts';
import { mtCopy } from '../tools/mt-copy.ts';
import { rsync } from '../tools/rsync.ts';
import { availableTools, type Tool } from '../tools/tool.ts';
import { type TransferScene, withLine, withTransferScene } from '../transfer-scene.ts';
import { writeUnrepeatedFile } from '../unrepeated-file.ts';

const BYTES = 256 * 2 ** 20;
const CONNECTIONS = 10;
/** Of each connection and direction; 20 ms each way. */
const LINE = { bytesPerSecond: 2_000_000, delayMs: 20 };
const RAW_LEAST = 0.98;
const RUNS = 3;

interface PlainSockets {
  readonly name: string;
  readonly label: string;
  readonly direction: Direction;
}

interface Entrant extends Tool {
  readonly direction: Direction;
  readonly old: OldVersion;
}

/** Names are CASE-DIRECTION; the sheet compares cases of one direction. */
function entrantsFor(direction: Direction): (PlainSockets | Entrant)[] {
  const own = mtCopy(direction, { connections: CONNECTIONS, options: ['-q'] });
  const cases = [
    { ...own, name: 'changed', label: `${own.label}, three pieces changed`, old: 'changed' as const },
    { ...rsync(), label: `rsync ${direction}, three pieces changed`, old: 'changed' as const },
    { ...own, name: 'unlike', label: `${own.label}, nothing matches`, old: 'unlike' as const },
    { ...own, name: 'new', label: `${own.label}, no old file`, old: 'none' as const },
  ];
  return [
    { name: `plain-${direction}`, label: `plain sockets ${direction}, the whole file`, direction },
    ...availableTools(cases).map((one) => ({ ...one, name: `${one.name}-${direction}`, direction })),
  ];
}

async function runPlainSockets({ name, direction }: PlainSockets): Promise<Run> {
  const raw = await measureRaw({ proxy: LINE, connections: CONNECTIONS, bytes: BYTES, which: direction });
  if (raw.ratio < RAW_LEAST) {
    say(`warning: plain sockets reach ${raw.ratio.toFixed(3)} of the line, at least ${RAW_LEAST} is wanted`);
  }
  return { tool: name, seconds: raw.seconds };
}

/** `bytesSent` is what went through the line, in both directions. */
async function runOnLine(entrant: Entrant, scene: TransferScene, proxy: RunningProxy): Promise<Run> {
  const before = await proxy.stats();
  const run = await runTransfer(entrant, scene, proxy.port);
  const after = await proxy.stats();
  return { ...run, bytesSent: after.bytesUp + after.bytesDown - before.bytesUp - before.bytesDown };
}

async function measureDirection(direction: Direction, choice: Choice<PlainSockets | Entrant>) {
  return withTransferScene({ direction, bytes: BYTES, writeSource: writeUnrepeatedFile }, async (scene) => {
    const putOld = await writeOldVersions(scene);
    const runs = await withLine(scene, LINE, (proxy) =>
      runInTurn(choice, async (entrant) => {
        if (!('call' in entrant)) return runPlainSockets(entrant);
        await putOld(entrant.old, `${entrant.name}.bin`);
        return runOnLine(entrant, scene, proxy);
      }),
    );
    return { runs, landsIn: scene.landsIn };
  });
}

export async function measureDelta(): Promise<void> {
  const choice = chooseRuns(process.argv.slice(2), DIRECTIONS.flatMap(entrantsFor), (one) =>
    'call' in one ? RUNS : 1,
  );
  say(`${BYTES / 2 ** 20} MiB over ${CONNECTIONS} connections of ${LINE.bytesPerSecond / 1e6} MB/s each, in turn:`);
  say(`${choice.chosen.map(({ label }) => label).join('; ')} ...`);
  const measured = [];
  for (const direction of DIRECTIONS) {
    const chosen = choice.chosen.filter((one) => one.direction === direction);
    if (chosen.length > 0) measured.push(await measureDirection(direction, { ...choice, chosen }));
  }
  await finishScene(deltaSheet, {
    items: choice.chosen,
    facts: {
      bytes: BYTES,
      missingBytes: CHANGED_BYTES,
      connections: CONNECTIONS,
      bytesPerSecondPerConnection: LINE.bytesPerSecond,
      roundTripMs: 2 * LINE.delayMs,
      landsIn: measured[0]!.landsIn,
    },
    runs: measured.flatMap(({ runs }) => runs),
    complete: choice.complete,
  });
}
