import { describe, expect, it } from 'vitest';
import { terminal } from '../../agent/io/terminal.ts';

function of(env: Record<string, string>, stdout: { readonly isTTY?: boolean; readonly columns?: number }) {
  return terminal({ env, stdout } as unknown as NodeJS.Process);
}

const TTY = { isTTY: true, columns: 90 };

describe('what is written', () => {
  it.each([
    ['a terminal', {}, TTY, true],
    ['a terminal whose NO_COLOR says something', { NO_COLOR: '0' }, TTY, false],
    ['a terminal whose NO_COLOR is empty', { NO_COLOR: '' }, TTY, true],
    ['a dumb terminal', { TERM: 'dumb' }, TTY, false],
    ['a file', {}, {}, false],
  ] as const)('to %s has colours or not', (_, env, stdout, colour) => {
    expect(of(env, stdout).colour).toBe(colour);
  });

  it('is as wide as the terminal, within reason, and eighty columns elsewhere', () => {
    const widths = [{}, TTY, { isTTY: true, columns: 20 }, { isTTY: true, columns: 400 }, { isTTY: true, columns: 0 }];
    expect(widths.map((stdout) => of({}, stdout).columns)).toEqual([80, 90, 60, 100, 80]);
  });
});
