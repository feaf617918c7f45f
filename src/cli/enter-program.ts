/**
 * Where the programs that copy begin. This loads the rest only where Node can run it, so it uses only syntax
 * that Node 12 understands; see unsupported-node.ts.
 */
import { unsupportedNode } from '../util/unsupported-node.ts';

type Name = import('./program-name.ts').ProgramName;

const TOO_FEW_FILES =
  'The system allows this program too few open files.\nAllow it more (ulimit -n): 64, and two for each connection.';

/** Runs the program, or says why that is not possible. */
export function enterProgram(program: Name): void {
  const problem = unsupportedNode(program);
  // The exit code of usage errors: the command cannot be run like this, and nothing was tried.
  if (problem !== undefined) return refuse(problem, 2);
  import('./start-program.ts').then(
    ({ startProgram }) => startProgram(program).catch((error) => refuse(describe(program, error), 11)),
    (error) => refuse(describe(program, error), 11),
  );
}

/** The program does not throw what it knows of, so this is about the files that it consists of. */
function describe(program: Name, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EMFILE' || code === 'ENFILE') return `${program}: ${TOO_FEW_FILES}`;
  const { message } = error as Error;
  return `${program}: Its own files cannot be loaded (${message}).\nInstall it again.`;
}

function refuse(text: string, exitCode: number): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = exitCode;
}
