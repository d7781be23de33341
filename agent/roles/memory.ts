import type { NatProfile } from '../base/nat-profile.ts';
import { isNews, isWorthKnowing, type Known, readKnown } from '../house/known.ts';
import type { StateFolder } from '../io/files.ts';

const FILE = 'knowledge.json';

/** What a household remembers of its NAT from one start to the next. */
export interface Memory {
  /** Undefined at a first start, and after a long time. */
  readonly known: NatProfile | undefined;
  /** Keeps a reading where it is sure and says something new. */
  keep(profile: NatProfile): void;
}

export async function openMemory(state: StateFolder): Promise<Memory> {
  const nowS = (): number => Math.floor(Date.now() / 1000);
  const known = (await state.learned(FILE, (value) => readKnown(value, nowS())))?.nat;
  let last = known;
  return {
    known,
    keep: (profile) => {
      if (!isWorthKnowing(profile) || !isNews(last, profile)) return;
      last = profile;
      state.learn(FILE, { version: 1, read_s: nowS(), nat: profile } satisfies Known);
    },
  };
}
