import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sha256Of } from '../../test/support/random-file.ts';
import { measureProcess, type ProcessRun, type ProgramCall } from './harness.ts';
import type { Phases } from './phases.ts';
import type { Run } from './rows.ts';
import type { Tool, Transfer } from './tools/tool.ts';
import type { TransferScene } from './transfer-scene.ts';
import { treeDigest } from './tree/tree-digest.ts';

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
  if (code !== 0 && !measured.isCutOff) throw new Error(`${name} ended with ${signal ?? code}: ${stderr}`);
  return { tool: name, ...measured };
}

/** What a tool is told to copy; `target` is the name of what is to arrive. */
export function transferTo(target: string, scene: TransferScene, port: number): Transfer {
  const { direction, source, isTree, landing, server, workDir } = scene;
  const files =
    direction === 'up'
      ? { local: source, remote: target, remotePath: join(landing, target) }
      : { local: join(landing, target), remote: basename(source), remotePath: source };
  return { direction, ...files, ...(isTree && { isTree }), server, port, workDir };
}

/** @throws {Error} what arrived is not what was sent */
export async function checkArrived(tool: string, arrived: string, { sha256, isTree }: TransferScene): Promise<void> {
  const digest = isTree ? treeDigest(arrived) : await sha256Of(arrived);
  if (digest !== sha256) throw new Error(`What ${tool} copied did not arrive as it was`);
}

/**
 * One transfer through `port`: timed, found whole by its sha256, and removed. What was cut off is removed as it is, when
 * the server has ended its sessions.
 */
export async function runTransfer(
  tool: Tool,
  scene: TransferScene,
  port: number,
  measure?: (call: ProgramCall) => Promise<MeasuredRun>,
): Promise<Run> {
  const target = `${tool.name}.bin`;
  const arrived = join(scene.landing, target);
  const run = await measureRun(tool.name, await tool.call(transferTo(target, scene, port)), measure);
  if (run.isCutOff) await scene.server.killSessions();
  else await checkArrived(tool.name, arrived, scene);
  await rm(arrived, { recursive: true, force: run.isCutOff === true });
  return run;
}
