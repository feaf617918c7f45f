import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sha256Of } from '../../test/support/random-file.ts';
import { measureProcess, type ProcessRun, type ProgramCall } from './harness.ts';
import type { Phases } from './phases.ts';
import type { Run } from './rows.ts';
import type { Tool, Transfer } from './tools/tool.ts';
import type { TransferScene } from './transfer-scene.ts';

export interface MeasuredRun extends ProcessRun {
  readonly phases?: Phases;
  readonly bytesSent?: number;
}

/** A run that did not end well has no time worth keeping. */
export async function measureRun(
  name: string,
  call: ProgramCall,
  measure: (call: ProgramCall) => Promise<MeasuredRun> = measureProcess,
): Promise<Run> {
  const { code, signal, stderr, stdout: _, ...measured } = await measure(call);
  if (code !== 0) throw new Error(`${name} ended with ${signal ?? code}: ${stderr}`);
  return { tool: name, ...measured };
}

/** What a tool is told to copy; `target` is the name of the file that is to arrive. */
export function transferTo(target: string, scene: TransferScene, port: number): Transfer {
  const { direction, source, landing, server, workDir } = scene;
  const files =
    direction === 'up'
      ? { local: source, remote: target, remotePath: join(landing, target) }
      : { local: join(landing, target), remote: basename(source), remotePath: source };
  return { direction, ...files, server, port, workDir };
}

/** One transfer through `port`: timed, found whole by its sha256, and removed. */
export async function runTransfer(
  tool: Tool,
  scene: TransferScene,
  port: number,
  measure?: (call: ProgramCall) => Promise<MeasuredRun>,
): Promise<Run> {
  const target = `${tool.name}.bin`;
  const arrived = join(scene.landing, target);
  const run = await measureRun(tool.name, await tool.call(transferTo(target, scene, port)), measure);
  if ((await sha256Of(arrived)) !== scene.sha256) throw new Error(`What ${tool.name} copied did not arrive as it was`);
  await rm(arrived);
  return run;
}
