import type { TestServer } from '../../../test/support/test-server.ts';
import { type Direction, programOf } from '../direction.ts';
import type { ProgramCall } from '../harness.ts';
import type { RivalName } from '../rivals.ts';
import { missingRival } from '../rivals.ts';
import { say } from '../say.ts';

/** One file or tree that is to be copied, in one direction. */
export interface Transfer {
  readonly direction: Direction;
  /** Path on this side: of the source of an upload, of what a download is to write. */
  readonly local: string;
  /** Name on the other side, where the server's sessions begin. */
  readonly remote: string;
  /** Its absolute path there, for tools that begin elsewhere. */
  readonly remotePath: string;
  /** Whether it is a directory, with all that is in it. The target does not exist. */
  readonly isTree?: boolean;
  readonly server: TestServer;
  /** The server's, or that of the proxy in front of it. */
  readonly port: number;
  /** For files a tool needs beside the source. */
  readonly workDir: string;
}

/** What may be missing here. */
interface Obstructed {
  /** How it is described in a table. */
  readonly label: string;
  /** The program, where it is neither ours nor OpenSSH's. */
  readonly rival?: RivalName;
  /** Why it cannot run here; nothing when it can. */
  readonly obstacle?: string | undefined;
}

/** Something that copies files: a program with its settings. */
export interface Tool extends Obstructed {
  readonly name: string;
  readonly call: (transfer: Transfer) => Promise<ProgramCall>;
}

export interface ToolSettings {
  /** In OpenSSH's words; the tool's own choice unless set. */
  readonly cipher?: string;
}

/** Whether a tool opens many connections: ours does, and of the others those that split downloads. */
export function hasMany({ name, rival }: Pick<Tool, 'name' | 'rival'>, direction: Direction): boolean {
  const own = programOf(direction);
  return name === own || name.startsWith(`${own}-`) || (direction === 'down' && rival !== undefined);
}

/** Those that can run here; says of the others why they are left out. */
export function availableTools<T extends Obstructed>(tools: readonly T[]): T[] {
  return tools.filter(({ label, rival, obstacle }) => {
    const reason = obstacle ?? (rival && missingRival(rival));
    if (reason !== undefined) say(`${label} is left out: ${reason}`);
    return reason === undefined;
  });
}
