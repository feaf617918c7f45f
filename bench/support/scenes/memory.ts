import { chooseRuns } from '../bench-arguments.ts';
import { type Direction, programOf } from '../direction.ts';
import { finishScene } from '../finish-scene.ts';
import { runInTurn } from '../in-turn.ts';
import type { Run } from '../rows.ts';
import { runTransfer } from '../run-transfer.ts';
import { say } from '../say.ts';
import { memorySheet } from '../sheets/memory.ts';
import { lftp } from '../tools/lftp.ts';
import { mtCopy } from '../tools/mt-copy.ts';
import { rclone } from '../tools/rclone.ts';
import { availableTools, type Tool } from '../tools/tool.ts';
import { withLine, withTransferScene } from '../transfer-scene.ts';

const BYTES = 4 * 2 ** 30;
const CONNECTIONS = 64;
/** Each way. */
const LINE = { delayMs: 50 };

interface Entrant extends Tool {
  readonly isFar?: boolean;
}

/** Programs of others open so many connections for downloads alone. */
function entrantsFor(direction: Direction): Entrant[] {
  const near = mtCopy(direction, { connections: CONNECTIONS, options: ['-q'] });
  const far = { ...near, name: `${near.name}-far`, label: `${near.label}, ${2 * LINE.delayMs} ms`, isFar: true };
  if (direction === 'up') return [near, far];
  return availableTools([near, far, lftp({ connections: CONNECTIONS }), rclone({ streams: CONNECTIONS })]);
}

function describe({ tool, maxRssMiB = 0, seconds }: Run): string {
  return `${tool}: ${maxRssMiB.toFixed(1)} MiB, ${seconds.toFixed(2)} s`;
}

export async function measureMemory(direction: Direction): Promise<void> {
  if (process.platform !== 'linux') throw new Error('Only Linux tells how much memory a process had');
  const choice = chooseRuns(process.argv.slice(2), entrantsFor(direction), ({ name }) =>
    name === programOf(direction) ? 5 : 1,
  );
  say(`4 GiB over ${CONNECTIONS} connections: over loopback, and over ${2 * LINE.delayMs} ms round trip ...`);
  // All of them may be on their way in at once.
  const sshd = { maxStartups: `${2 * CONNECTIONS}` };
  const { runs, landsIn } = await withTransferScene({ direction, bytes: BYTES, sshd }, (scene) =>
    withLine(scene, LINE, async (proxy) => {
      const portOf = ({ isFar }: Entrant): number => (isFar ? proxy.port : scene.server.port);
      const runs = await runInTurn(choice, (tool) => runTransfer(tool, scene, portOf(tool)), describe);
      return { runs, landsIn: scene.landsIn };
    }),
  );
  const facts = { bytes: BYTES, connections: CONNECTIONS, roundTripMs: 2 * LINE.delayMs, landsIn };
  await finishScene(memorySheet(direction), { items: choice.chosen, facts, runs, complete: choice.complete });
}
