import { expect, test } from 'vitest';
import { fromStageToken, newStagedToken, stagedPath, toStageToken } from '../../../../src/remotes/sftp/staged-token.ts';
import { newPartialPath } from '../../../../src/util/partial-name.ts';

const everyByte = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1));

test('crosses threads and JSON with every byte of its paths', () => {
  const token = newStagedToken(everyByte, Buffer.from('/p'));
  for (const crossed of [structuredClone(toStageToken(token)), JSON.parse(JSON.stringify(toStageToken(token)))]) {
    const back = fromStageToken(crossed);
    expect(back.target.equals(everyByte)).toBe(true);
    expect(back.partial?.toString()).toBe('/p');
    expect(back.stage).toBe(token.stage);
  }
});

test('a file that is written in place has no partial file', () => {
  const token = fromStageToken(toStageToken(newStagedToken(Buffer.from('/t'), undefined)));
  expect(token.partial).toBeUndefined();
  expect(stagedPath(token).toString()).toBe('/t');
  expect(stagedPath(newStagedToken(Buffer.from('/t'), Buffer.from('/p'))).toString()).toBe('/p');
});

test('differs for each staging of the same target, and is the same for one staged file', () => {
  const target = Buffer.from('/t');
  const partials = Array.from({ length: 20 }, () => newPartialPath(target));
  expect(new Set(partials.map((partial) => newStagedToken(target, partial).stage)).size).toBe(20);
  expect(new Set(partials.map(() => newStagedToken(target, undefined).stage)).size).toBe(20);
  const [partial] = partials;
  expect(newStagedToken(target, partial)).toEqual(newStagedToken(target, partial));
});

test.each([{}, { uploadId: 'x' }, { target: '/t', partial: 1, stage: 's' }])(
  'a token of another protocol: %j',
  (token) => {
    expect(() => fromStageToken(token as never)).toThrow(expect.objectContaining({ code: 'bug' }));
  },
);
