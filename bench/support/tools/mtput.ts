import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment, mtputPath, putArguments } from '../../../test/support/mtput.ts';
import { repoRoot } from '../../../test/support/repo-root.ts';
import type { Tool, ToolSettings } from './tool.ts';

const ADDON = join(repoRoot, 'node_modules/ssh2/lib/protocol/crypto/build/Release/sshcrypto.node');
const WITHOUT_ADDON = join(repoRoot, 'bench/support/without-addon.cjs');

export interface MtputSettings extends ToolSettings {
  /** As `-n` takes it; left to mtput unless set. */
  readonly connections?: number;
  readonly options?: readonly string[];
  /** For node itself. */
  readonly nodeArguments?: readonly string[];
}

export function mtput({ connections, cipher, options = [], nodeArguments = [] }: MtputSettings): Tool {
  const own = [
    ...options,
    ...(connections === undefined ? [] : ['-n', `${connections}`]),
    ...(cipher === undefined ? [] : ['-c', cipher]),
  ];
  return {
    name: 'mtput',
    label: connections === undefined ? 'mtput' : `mtput -n ${connections}`,
    upload: async ({ source, target, server, port }) => ({
      command: process.execPath,
      args: [...nodeArguments, mtputPath, ...putArguments([source], { server, port, path: target }, own)],
      env: cleanEnvironment(server.dir),
    }),
  };
}

/** With ssh2's native addon, which is absent where npm runs no install scripts. */
export function mtputWithAddon(settings: MtputSettings): Tool {
  const tool = mtput(settings);
  const obstacle = existsSync(ADDON) ? undefined : "ssh2's native addon is not built (npm rebuild ssh2)";
  return { ...tool, label: `${tool.label}, native addon`, obstacle };
}

export function mtputWithoutAddon(settings: MtputSettings): Tool {
  const tool = mtput({ ...settings, nodeArguments: ['--require', WITHOUT_ADDON, ...(settings.nodeArguments ?? [])] });
  return { ...tool, name: 'mtput-without-addon', label: `${tool.label}, without it` };
}
