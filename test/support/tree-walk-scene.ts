/** The walk of a tree in memory, at `/s`, whose target is `/t`. */
import { Filters } from '../../src/engine/tree/filters.ts';
import { TaskGroup } from '../../src/engine/tree/task-group.ts';
import type { DirectoryPlace } from '../../src/engine/tree/tree-directory.ts';
import {
  type TreeFile,
  type TreeLink,
  TreeWalk,
  type WalkListener,
  type WalkOptions,
} from '../../src/engine/tree/tree-walk.ts';
import { MemoryTree } from './memory-tree.ts';

export interface WalkScene {
  readonly source: MemoryTree;
  readonly target: MemoryTree;
  readonly tasks: TaskGroup;
  readonly files: TreeFile[];
  readonly links: TreeLink[];
  /** Code and source of what has failed. */
  readonly failures: string[];
  readonly leftOut: string[];
  readonly leftovers: string[];
  readonly warnings: string[];
  readonly walk: TreeWalk;
  readonly root: DirectoryPlace;
  /** Walks everything; all files and links end at once, as if they were copied. */
  run(): Promise<void>;
  /** Sources of the files, without `/s/`, in alphabetical order. */
  readonly fileNames: string[];
}

export interface WalkSceneOptions extends Partial<Omit<WalkOptions, 'source' | 'target'>> {
  readonly source?: MemoryTree;
  readonly target?: MemoryTree;
  readonly listener?: Partial<WalkListener>;
}

export function walkScene({ listener = {}, ...options }: WalkSceneOptions = {}): WalkScene {
  const source = options.source ?? new MemoryTree().directory('/s');
  const target = options.target ?? new MemoryTree();
  const tasks = new TaskGroup(64);
  const files: TreeFile[] = [];
  const links: TreeLink[] = [];
  const failures: string[] = [];
  const leftOut: string[] = [];
  const leftovers: string[] = [];
  const warnings: string[] = [];
  const all: WalkOptions = {
    filters: new Filters([]),
    links: 'follow',
    preserve: true,
    isDryRun: false,
    excluded: undefined,
    refuseName: undefined,
    foldsCase: async () => false,
    onWarning: (message) => void warnings.push(message),
    ...options,
    source,
    target,
  };
  const walk = new TreeWalk(all, tasks, {
    onFile: async (file) => {
      files.push(file);
      file.directory.end(true);
    },
    onLink: async (link) => {
      links.push(link);
      link.directory.end(true);
    },
    onFailed: (path, _target, { code }) => void failures.push(`${code} ${path}`),
    onSkipped: (path, what) => void leftOut.push(`${what} ${path}`),
    onLeftover: async (path) => void leftovers.push(path.toString()),
    ...listener,
  });
  const root: DirectoryPlace = {
    source: Buffer.from('/s'),
    realSource: Buffer.from('/s'),
    target: Buffer.from('/t'),
    attributes: source.attributesAt('/s')!,
    existing: target.attributesAt('/t'),
  };
  const run = async (): Promise<void> => {
    await walk.walk(root);
    await tasks.ended();
  };
  return {
    source,
    target,
    tasks,
    files,
    links,
    failures,
    leftOut,
    leftovers,
    warnings,
    walk,
    root,
    run,
    get fileNames() {
      return files.map(({ source: path }) => path.toString('latin1').slice('/s/'.length)).sort();
    },
  };
}
