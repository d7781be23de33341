import { expect, test } from 'vitest';
import { barText } from './matrix-bars.ts';
import { describeInLab } from './missing.ts';
import { measure, type MeasureName } from './tree/measures.ts';

/** A few minutes of what `make tree-full` does for three quarters of an hour. */
const FEW = { homes: 9, kills: 4, leaves: 3, stalls: 1, joins: 4, crowd: 8, minutes: 1, sizes: [7] };

const SENTENCES: Partial<Record<MeasureName, string>> = {
  kills: 'One that feeds others loses its power: the picture goes on everywhere',
  leaves: 'One that feeds others stops in order: no block is lost',
  stalls: 'One that feeds others hangs for three seconds: nobody else notices, and it finds its way back',
  liars: 'A parent that lies is left, and nothing of its lies is shown',
  joins: 'A newcomer has its picture in a moment',
  crowd: 'Many that come at once are fed, and the origin feeds two of them',
};

describeInLab(
  `A tree of ${FEW.homes} households behind mixed NATs`,
  () => {
    for (const [name, sentence] of Object.entries(SENTENCES)) {
      test(sentence, async () => {
        const bars = await measure(name as MeasureName, FEW, (line) => console.log(line));
        console.log(bars.map(barText).join('\n'));
        // Times are those of a machine that does other things too: `make tree-full` judges them.
        const missed = bars.filter(({ held, measured }) => !held && !measured.endsWith('ms'));
        expect(missed.map(barText)).toEqual([]);
      });
    }
  },
  ['curl', 'ffmpeg'],
);
