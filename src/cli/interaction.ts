import type { TransferContext } from '../transfer.ts';
import { cleanText } from '../util/clean-text.ts';
import type { Ask } from './ask-terminal.ts';

export type Interaction = NonNullable<TransferContext['interaction']>;
type HostKeyQuestion = Parameters<Interaction['trustHostKey']>[0];

/** What gives way while a question is on the terminal. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

/** Puts the transfer's questions to a person by `ask`, one at a time, with `display` paused meanwhile. */
export function createInteraction(ask: Ask, display: Pausable, signal: AbortSignal): Interaction {
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
    secret: (prompt) => inTurn(() => ask(cleanText(prompt), false, signal)),
    trustHostKey: (question) => inTurn(() => confirmHostKey(ask, question, signal)),
  };
}

/** As ssh asks: `yes`, `no` or the fingerprint itself; anything else is asked again, silence is no. */
async function confirmHostKey(ask: Ask, question: HostKeyQuestion, signal: AbortSignal): Promise<boolean> {
  const keyType = cleanText(question.keyType);
  let prompt =
    `The authenticity of host '${cleanText(question.host)}' can't be established.\n` +
    `${keyType} key fingerprint is ${cleanText(question.fingerprint)}.\n` +
    'Are you sure you want to continue connecting (yes/no/[fingerprint])? ';
  // Ten: a program that answers in place of a person might never give a usable answer.
  for (let tries = 0; tries < 10; tries++) {
    const answer = (await ask(prompt, true, signal))?.trim();
    if (answer === undefined || answer === '' || answer.toLowerCase() === 'no') return false;
    if (answer.toLowerCase() === 'yes' || answer === question.fingerprint) return true;
    prompt = "Please type 'yes', 'no' or the fingerprint: ";
  }
  return false;
}
