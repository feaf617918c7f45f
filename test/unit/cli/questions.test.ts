import { chmodSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LineEditor } from '../../../src/cli/ask-terminal.ts';
import { askpass, whoIsAsked } from '../../../src/cli/askpass.ts';
import { withoutSecrets } from '../../../src/cli/environment.ts';
import { createInteraction } from '../../../src/cli/interaction.ts';

const never = new AbortController().signal;

describe('who is asked', () => {
  it.each([
    [{}, true, 'terminal'],
    [{}, false, 'nobody'],
    [{ SSH_ASKPASS: 'x' }, false, 'nobody'],
    [{ SSH_ASKPASS: 'x', DISPLAY: ':0' }, false, 'askpass'],
    [{ SSH_ASKPASS: 'x', WAYLAND_DISPLAY: 'w' }, false, 'askpass'],
    [{ SSH_ASKPASS: 'x', DISPLAY: ':0' }, true, 'terminal'],
    [{ SSH_ASKPASS: 'x', DISPLAY: ':0', SSH_ASKPASS_REQUIRE: 'prefer' }, true, 'askpass'],
    [{ SSH_ASKPASS: 'x', SSH_ASKPASS_REQUIRE: 'prefer' }, true, 'terminal'],
    [{ SSH_ASKPASS: 'x', SSH_ASKPASS_REQUIRE: 'force' }, true, 'askpass'],
    [{ SSH_ASKPASS: 'x', DISPLAY: ':0', SSH_ASKPASS_REQUIRE: 'never' }, false, 'nobody'],
    [{ SSH_ASKPASS_REQUIRE: 'force' }, true, 'terminal'],
  ] as const)('%j, terminal %s: %s', (environment, terminal, who) => {
    expect(whoIsAsked(environment, terminal)).toBe(who);
  });
});

describe('SSH_ASKPASS', () => {
  let folder = '';
  const program = (name: string, body: string) => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return askpass({ PATH: process.env['PATH'], SSH_ASKPASS: path });
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'askpass-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('gets the prompt and gives its first line', async () => {
    const ask = program('echo', 'printf "%s!\\nmore\\n" "$1"');
    expect(await ask("it's me: ", false, never)).toBe("it's me: !");
  });

  it('answers nothing when it fails or is missing', async () => {
    expect(await program('fail', 'echo secret; exit 1')('p', false, never)).toBeUndefined();
    expect(await askpass({ SSH_ASKPASS: join(folder, 'missing') })('p', false, never)).toBeUndefined();
  });

  it('is ended with the run', async () => {
    const controller = new AbortController();
    const answer = program('hang', 'exec sleep 60')('p', false, controller.signal);
    controller.abort();
    expect(await answer).toBeUndefined();
  });

  it('does not inherit secrets', async () => {
    const environment: Record<string, string | undefined> = {
      MT_COPY_PASSWORD: 'a',
      MT_COPY_PASSPHRASE: 'b',
      HOME: '/h',
    };
    expect(withoutSecrets(environment)).toEqual({ MT_COPY_PASSWORD: 'a', MT_COPY_PASSPHRASE: 'b', HOME: '/h' });
    expect(environment).toEqual({ HOME: '/h' });
  });
});

describe('a line typed at a raw terminal', () => {
  const type = (...chunks: string[]) => {
    const editor = new LineEditor();
    let ending: string | undefined;
    for (const chunk of chunks) ending ??= editor.add(Buffer.from(chunk));
    return [ending, editor.text];
  };

  it.each([
    [['secret\r'], 'entered', 'secret'],
    [['sec', 'ret\n'], 'entered', 'secret'],
    [['x\u00e9\u{1f600}\x7f\x7fy\r'], 'entered', 'xy'],
    [['wrong\x15right\r'], 'entered', 'right'],
    [['\x7f\x7f\r'], 'entered', ''],
    [['a\x04b\r'], 'entered', 'ab'],
    [['\x04'], 'ended', ''],
    [['abc\x03'], 'interrupted', 'abc'],
    [['abc'], undefined, 'abc'],
  ])('%j', (chunks, ending, text) => {
    expect(type(...chunks)).toEqual([ending, text]);
  });
});

describe('an interaction', () => {
  const question = { host: 'h', keyType: 'ssh-ed25519', fingerprint: 'SHA256:abc' };
  function answering(...answers: (string | undefined)[]) {
    const log: string[] = [];
    const ask = async (prompt: string, echo: boolean) => {
      log.push(`${echo ? 'echo' : 'hidden'}: ${prompt}`);
      return answers.shift();
    };
    const display = { pause: () => log.push('pause'), resume: () => log.push('resume') };
    return { log, interaction: createInteraction(ask, display, never) };
  }

  it('asks for a secret without echo, the display paused', async () => {
    const { log, interaction } = answering('s3cret');
    expect(await interaction.secret('Password\x1b[2J: ')).toBe('s3cret');
    expect(log).toEqual(['pause', 'hidden: Password\\x1b[2J: ', 'resume']);
  });

  it('says what was wrong before it asks again', async () => {
    const { log, interaction } = answering('s3cret');
    await interaction.secret('Password: ', 'That was\x1b wrong.');
    expect(log).toEqual(['pause', 'hidden: That was\\x1b wrong.\nPassword: ', 'resume']);
  });

  it.each([
    [['yes'], true],
    [['YES '], true],
    [['SHA256:abc'], true],
    [['no'], false],
    [[''], false],
    [[undefined], false],
    [['SHA256:abd', 'yes'], true],
    [['y', 'maybe', 'no'], false],
    [Array<string>(20).fill('what'), false],
  ])('takes %j for %s', async (answers, trusted) => {
    expect(await answering(...answers).interaction.trustHostKey(question)).toBe(trusted);
  });

  it('shows the fingerprint', async () => {
    const { log, interaction } = answering('no');
    await interaction.trustHostKey(question);
    expect(log[1]).toContain(
      "The authenticity of host 'h' can't be established.\nssh-ed25519 key fingerprint is SHA256:abc.",
    );
  });

  it.each([
    [['yes'], true],
    [['Y '], true],
    [['no'], false],
    [['N'], false],
    [[''], false],
    [[undefined], false],
    [['SHA256:abc', 'yes'], true],
    [['what', 'no'], false],
    [Array<string>(20).fill('what'), false],
  ])('takes %j for a decision: %s', async (answers, decided) => {
    const { log, interaction } = answering(...answers);
    expect(await interaction.confirm('Do it\x1b')).toBe(decided);
    expect(log.slice(0, 2)).toEqual(['pause', 'echo: Do it\\x1b (yes/no)? ']);
    expect(log.at(-1)).toBe('resume');
  });

  it('asks one question at a time', async () => {
    const { log, interaction } = answering('a', 'b');
    expect(await Promise.all([interaction.secret('1'), interaction.secret('2')])).toEqual(['a', 'b']);
    expect(log).toEqual(['pause', 'hidden: 1', 'resume', 'pause', 'hidden: 2', 'resume']);
  });
});
