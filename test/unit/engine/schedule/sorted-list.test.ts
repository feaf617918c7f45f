import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedList } from '../../../../src/engine/schedule/sorted-list.ts';

test('the list is always what sorting would make of its items', () => {
  const step = fc.record({ how: fc.constantFrom('add' as const, 'add' as const, 'remove' as const), item: fc.nat(30) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.uniqueArray(fc.nat(30)), (steps, others) => {
      const list = new SortedList<number>((a, b) => b - a);
      const items = new Set<number>();
      const check = (): void => {
        const sorted = [...items].sort((a, b) => b - a);
        expect(Array.from({ length: list.length }, (_, index) => list.at(index))).toEqual(sorted);
        expect(list.first).toBe(sorted[0]);
      };
      for (const { how, item } of steps) {
        if (how === 'remove') items.delete(item);
        else if (items.has(item)) continue;
        else items.add(item);
        list[how](item);
        check();
      }
      items.clear();
      for (const item of others) items.add(item);
      list.reset(others);
      check();
    }),
  );
});
