import { describe, expect, it, test } from 'vitest';
import { Operators, readOperators } from '../../../agent/rendezvous/knowledge/operators.ts';

function table(text: string): Operators {
  const read = readOperators(text);
  if (read instanceof Operators) return read;
  throw new Error(read.faults.join('; '));
}

describe('a table of operators', () => {
  const operators = table(
    [
      '# whose network is it?',
      '203.0.0.0/16,Example Telecom',
      '203.0.113.0/24, "Example Mobile"  # a part of it',
      '203.0.113.64/26,Example Mobile Business',
      '',
      '198.51.100.0/24,Räuber, Söhne & Co\r',
    ].join('\n'),
  );

  test.each([
    ['203.0.113.1', 'Example Mobile'],
    ['203.0.113.64', 'Example Mobile Business'],
    ['203.0.113.127', 'Example Mobile Business'],
    ['203.0.113.128', 'Example Mobile'],
    ['203.0.112.255', 'Example Telecom'],
    ['198.51.100.9', 'Räuber, Söhne & Co'],
    ['198.51.101.9', undefined],
    ['2001:db8::1', undefined],
    ['nonsense', undefined],
  ])('knows whose %s is: %s', (ip, label) => {
    expect(operators.label(ip)).toBe(label);
  });

  it('takes the whole internet and single addresses as prefixes too', () => {
    const wide = table('0.0.0.0/0,Everybody\n255.255.255.255/32,Last');
    expect([wide.label('8.8.8.8'), wide.label('255.255.255.255')]).toEqual(['Everybody', 'Last']);
    expect(wide.size).toBe(2);
  });

  it('says which lines are wrong and how a right one looks', () => {
    expect(readOperators('203.0.113.0/24,Good\n203.0.113.0/33,Bad\nBad\n1.2.3.4/8,\n')).toEqual({
      faults: [
        'line 2: not PREFIX,LABEL as in 203.0.113.0/24,Example Mobile',
        'line 3: not PREFIX,LABEL as in 203.0.113.0/24,Example Mobile',
        'line 4: not PREFIX,LABEL as in 203.0.113.0/24,Example Mobile',
      ],
    });
  });

  it('stops at five faults: that is another file', () => {
    const read = readOperators('x\n'.repeat(100_000));
    expect(read instanceof Operators ? [] : read.faults).toHaveLength(5);
  });
});
