import type { HostKeyQuestion, Interaction } from '../remotes/sftp/ssh/interaction.ts';
import { cleanText } from '../util/clean-text.ts';
import type { Ask } from './ask-terminal.ts';

/** An interaction that can also confirm actions other than copying. */
export interface ConfirmingInteraction extends Interaction {
  /** Asks whether `question`, a sentence without its question mark, is to be answered with yes; silence is no. */
  confirm(question: string): Promise<boolean>;
}

/** What gives way while a question is on the terminal. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

/** Puts questions to a person by `ask`, one at a time, with `display` paused meanwhile. */
export function createInteraction(ask: Ask, display: Pausable, signal: AbortSignal): ConfirmingInteraction {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(question: () => Promise<T>): Promise<T> => {
    const answer = last.then(async () => {
      display.pause();
      try {
        return await question();
      } finally {
        display.resume();
      }
    });
    last = answer.catch(() => {});
    return answer;
  };
  return {
    secret: (prompt, problem) => {
      const first = problem === undefined ? '' : `${cleanText(problem)}\n`;
      return inTurn(() => ask(`${first}${cleanText(prompt)}`, false, signal));
    },
    trustHostKey: (question) => inTurn(() => confirmHostKey(ask, question, signal)),
    during: (work) => inTurn(() => work),
    confirm: (question) => inTurn(() => confirm(ask, question, signal)),
  };
}

/** A program that answers in place of a person might never give a usable answer. */
const MAX_TRIES = 10;

/** Anything but a yes or a no is asked again; silence is no. */
async function confirm(ask: Ask, question: string, signal: AbortSignal): Promise<boolean> {
  let prompt = `${cleanText(question)} (yes/no)? `;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const answer = (await ask(prompt, true, signal))?.trim().toLowerCase() ?? '';
    if (['', 'n', 'no'].includes(answer)) return false;
    if (['y', 'yes'].includes(answer)) return true;
    prompt = "Please type 'yes' or 'no': ";
  }
  return false;
}

/** As ssh asks: `yes`, `no` or the fingerprint itself; anything else is asked again, silence is no. */
async function confirmHostKey(ask: Ask, question: HostKeyQuestion, signal: AbortSignal): Promise<boolean> {
  const keyType = cleanText(question.keyType);
  let prompt =
    `The authenticity of host '${cleanText(question.host)}' can't be established.\n` +
    `${keyType} key fingerprint is ${cleanText(question.fingerprint)}.\n` +
    'Are you sure you want to continue connecting (yes/no/[fingerprint])? ';
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const answer = (await ask(prompt, true, signal))?.trim();
    if (answer === undefined || answer === '' || answer.toLowerCase() === 'no') return false;
    if (answer.toLowerCase() === 'yes' || answer === question.fingerprint) return true;
    prompt = "Please type 'yes', 'no' or the fingerprint: ";
  }
  return false;
}
