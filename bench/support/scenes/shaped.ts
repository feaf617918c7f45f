import { measureRaw } from '../../../test/support/measure-raw.ts';
import type { RunningProxy } from '../../../test/support/proxy.ts';
import { chooseRuns } from '../bench-arguments.ts';
import type { Direction } from '../direction.ts';
import { finishScene } from '../finish-scene.ts';
import { measureProcess, type ProgramCall } from '../harness.ts';
import { runInTurn } from '../in-turn.ts';
import { watchLine } from '../line-watch.ts';
import { phasesLine, phasesOf } from '../phases.ts';
import { limitSeconds } from '../ratio.ts';
import type { Run } from '../rows.ts';
import { type MeasuredRun, runTransfer } from '../run-transfer.ts';
import { say } from '../say.ts';
import type { Sheet } from '../sheet.ts';
import { shapedSheet, shapedWaysSheet } from '../sheets/shaped.ts';
import { lftp } from '../tools/lftp.ts';
import { mtCopy, mtCopyBySsh, mtCopyOverJump } from '../tools/mt-copy.ts';
import { scp, sftp } from '../tools/openssh.ts';
import { rclone } from '../tools/rclone.ts';
import { availableTools, hasMany, type Tool } from '../tools/tool.ts';
import { withLine, withTransferScene } from '../transfer-scene.ts';

const BYTES = 400_000_000;
const CONNECTIONS = 10;
/** Of each connection and direction; 20 ms each way. */
const LINE = { bytesPerSecond: 2_000_000, delayMs: 20 };
const RAW_LEAST = 0.98;
const LIMIT_SECONDS = limitSeconds(BYTES, CONNECTIONS, LINE.bytesPerSecond);

/** lftp and rclone split downloads; what they upload goes over one connection, as with scp. */
function toolsFor(direction: Direction): Tool[] {
  const own = mtCopy(direction, { connections: CONNECTIONS, options: ['--json'] });
  if (direction === 'up') return [own, scp(), sftp()];
  return availableTools([own, scp(), sftp(), lftp({ connections: CONNECTIONS }), rclone({ streams: CONNECTIONS })]);
}

/** With a look at when each connection carries data. */
async function measureOnLine(proxy: RunningProxy, direction: Direction, call: ProgramCall): Promise<MeasuredRun> {
  const line = await watchLine(proxy, direction);
  const run = await measureProcess(call);
  const samples = await line.stop();
  const phases = phasesOf(samples, { bytes: BYTES, bytesPerSecond: LINE.bytesPerSecond, end: run.seconds });
  return { ...run, ...(phases && { phases }) };
}

function describe({ tool, seconds, ratio = 0, phases }: Run): string {
  const line = `${tool}: ${seconds.toFixed(2)} s, time ÷ limit ${ratio.toFixed(3)}`;
  return phases ? `${line}\n  ${phasesLine(phases)}` : line;
}

/** Beside the rivals. */
export function measureShaped(direction: Direction): Promise<void> {
  return measure(direction, toolsFor(direction), shapedSheet(direction));
}

/** The ways to make connections beside one another. */
export function measureShapedWays(): Promise<void> {
  const settings = { connections: CONNECTIONS, options: ['--json'] };
  const tools = [mtCopy, mtCopyBySsh, mtCopyOverJump].map((way) => way('up', settings));
  return measure('up', tools, shapedWaysSheet);
}

async function measure(direction: Direction, tools: readonly Tool[], sheet: Sheet): Promise<void> {
  // Those with one connection take ten times as long, and vary less.
  const choice = chooseRuns(process.argv.slice(2), tools, (tool) => (hasMany(tool, direction) ? 3 : 1));
  say(`${BYTES / 1e6} MB over ${CONNECTIONS} connections of ${LINE.bytesPerSecond / 1e6} MB/s each, 40 ms round trip.`);
  say(
    `The limit is ${LIMIT_SECONDS} s. First plain sockets, then ${choice.chosen.map((one) => one.name).join(', ')} ...`,
  );
  const raw = await measureRaw({ proxy: LINE, connections: CONNECTIONS, bytes: BYTES, which: direction });
  say(`plain sockets: ${raw.ratio.toFixed(3)} of the line`);
  if (raw.ratio < RAW_LEAST) say(`warning: at least ${RAW_LEAST} is wanted; too busy a machine`);
  const runs = await withTransferScene({ direction, bytes: BYTES, landing: 'disk' }, (scene) =>
    withLine(scene, LINE, (proxy) =>
      runInTurn(
        choice,
        async (tool) => {
          const run = await runTransfer(tool, scene, proxy.port, (call) => measureOnLine(proxy, direction, call));
          return { ...run, ratio: run.seconds / LIMIT_SECONDS };
        },
        describe,
      ),
    ),
  );
  await finishScene(sheet, {
    items: choice.chosen,
    facts: {
      bytes: BYTES,
      connections: CONNECTIONS,
      bytesPerSecondPerConnection: LINE.bytesPerSecond,
      roundTripMs: 2 * LINE.delayMs,
      limitSeconds: LIMIT_SECONDS,
      plainSockets: { seconds: raw.seconds, ofNominal: raw.ratio },
    },
    runs,
    complete: choice.complete,
  });
}
