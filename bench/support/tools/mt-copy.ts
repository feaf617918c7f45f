// Our programs: mtput for uploads, mtget for downloads.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanEnvironment, getArguments, mtgetPath, mtputPath, putArguments } from '../../../test/support/mtput.ts';
import { repoRoot } from '../../../test/support/repo-root.ts';
import { type Direction, programOf } from '../direction.ts';
import type { Tool, ToolSettings, Transfer } from './tool.ts';

const ADDON = join(repoRoot, 'node_modules/ssh2/lib/protocol/crypto/build/Release/sshcrypto.node');
const WITHOUT_ADDON = join(repoRoot, 'bench/support/without-addon.cjs');

export interface MtCopySettings extends ToolSettings {
  /** As `-n` takes it; left to the program unless set. */
  readonly connections?: number;
  readonly options?: readonly string[];
  /** For node itself. */
  readonly nodeArguments?: readonly string[];
}

function programArguments(transfer: Transfer, own: readonly string[]): string[] {
  const { direction, local, remote, server, port } = transfer;
  if (direction === 'up') return [mtputPath, ...putArguments([local], { server, port, path: remote }, own)];
  return [mtgetPath, ...getArguments({ server, port, paths: [remote] }, local, own)];
}

/** Connections by the ssh of the system, which does not look for its files in HOME. */
export function mtCopyBySsh(direction: Direction, settings: MtCopySettings): Tool {
  const tool = mtCopy(direction, { ...settings, options: [...(settings.options ?? []), '--ssh', '-F', 'none'] });
  return { ...tool, name: `${tool.name}-ssh`, label: `${tool.label} --ssh` };
}

/** Over a jump host: the server itself, which the line is in front of, and which then connects to itself. */
export function mtCopyOverJump(direction: Direction, settings: MtCopySettings): Tool {
  const plain = mtCopy(direction, settings);
  return {
    ...plain,
    name: `${plain.name}-jump`,
    label: `${plain.label} -J`,
    call: async (transfer) => {
      const { server, port } = transfer;
      const lines = [`IdentityFile ${server.identityFile}`, `UserKnownHostsFile ${server.knownHostsFile}`];
      const config = join(transfer.workDir, 'ssh-config');
      await writeFile(config, `${lines.join('\n')}\n`);
      const options = [...(settings.options ?? []), '-F', config, '-J', `${server.user}@${server.host}:${port}`];
      return mtCopy(direction, { ...settings, options }).call({ ...transfer, port: server.port });
    },
  };
}

/** The program of ours for `direction`; it is asked for transfers of that direction alone. */
export function mtCopy(direction: Direction, settings: MtCopySettings): Tool {
  const { connections, cipher, options = [], nodeArguments = [] } = settings;
  const name = programOf(direction);
  const own = [
    ...options,
    ...(connections === undefined ? [] : ['-n', `${connections}`]),
    ...(cipher === undefined ? [] : ['-c', cipher]),
  ];
  return {
    name,
    label: connections === undefined ? name : `${name} -n ${connections}`,
    call: async (transfer) => {
      if (transfer.direction !== direction) throw new Error(`${name} does not copy in that direction`);
      return {
        command: process.execPath,
        args: [...nodeArguments, ...programArguments(transfer, own)],
        env: cleanEnvironment(transfer.server.dir),
      };
    },
  };
}

export function mtput(settings: MtCopySettings): Tool {
  return mtCopy('up', settings);
}

/** With ssh2's native addon, which is absent where npm runs no install scripts. */
export function mtCopyWithAddon(direction: Direction, settings: MtCopySettings): Tool {
  const tool = mtCopy(direction, settings);
  const obstacle = existsSync(ADDON) ? undefined : "ssh2's native addon is not built (npm rebuild ssh2)";
  return { ...tool, label: `${tool.label}, native addon`, obstacle };
}

export function mtCopyWithoutAddon(direction: Direction, settings: MtCopySettings): Tool {
  const nodeArguments = ['--require', WITHOUT_ADDON, ...(settings.nodeArguments ?? [])];
  const tool = mtCopy(direction, { ...settings, nodeArguments });
  return { ...tool, name: `${tool.name}-without-addon`, label: `${tool.label}, without it` };
}
