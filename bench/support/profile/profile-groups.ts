/** What time is spent on, in the order of the table. */
export const GROUPS = [
  'encryption',
  'random numbers',
  'ssh2',
  'our side of SSH',
  'SFTP session and slice writer',
  'engine and workers',
  'rest of mtput',
  'streams and sockets',
  'file reads',
  'rest of Node',
  'garbage collection',
  'native code without a caller',
  'other',
  'idle',
] as const;

export type Group = (typeof GROUPS)[number];

const PSEUDO: Readonly<Record<string, Group>> = {
  '(garbage collector)': 'garbage collection',
  '(idle)': 'idle',
  '(program)': 'native code without a caller',
};

/** The first that matches counts. */
const MODULES: readonly (readonly [RegExp, Group])[] = [
  // The addon is called from there; compiled code hides where one ends and the other begins.
  [/^ssh2\/lib\/protocol\/crypto\.js$/, 'encryption'],
  [/^ssh2\//, 'ssh2'],
  [/^src\/remotes\/sftp\/ssh\//, 'our side of SSH'],
  [/^src\/remotes\//, 'SFTP session and slice writer'],
  [/^src\/(engine|workers|transfer)\b/, 'engine and workers'],
  [/^(src\/|bundle$)/, 'rest of mtput'],
  [/^node:internal\/crypto\/random/, 'random numbers'],
  [/^node:(internal\/)?crypto/, 'encryption'],
  [/^node:(net$|stream|internal\/(stream|net|js_stream))/, 'streams and sockets'],
  [/^node:(internal\/)?fs/, 'file reads'],
  [/^node:/, 'rest of Node'],
];

function ofModule(module: string): Group {
  return MODULES.find(([pattern]) => pattern.test(module))?.[1] ?? 'other';
}

export interface Place {
  readonly functionName: string;
  /** As `ModuleNames` calls it; empty for native code. */
  readonly module: string;
  /** The module of the nearest caller that has one. */
  readonly callerModule: string;
}

/** Native code counts for who called it, save encryption, whoever asks for it. */
export function groupOf({ functionName, module, callerModule }: Place): Group {
  const pseudo = PSEUDO[functionName];
  if (pseudo !== undefined) return pseudo;
  if (module !== '') return ofModule(module);
  return /^(en|de)crypt$/.test(functionName) ? 'encryption' : ofModule(callerModule);
}
