import type { Config } from '../config/schema.ts';
import { secureRandom } from '../io/crypto.ts';
import { monotonic } from '../io/drive.ts';
import { StateFolder } from '../io/files.ts';
import type { Log } from '../io/log.ts';
import { readText } from '../io/uci.ts';
import { Knowledge } from '../rendezvous/knowledge/knowledge.ts';
import { Operators, readOperators } from '../rendezvous/knowledge/operators.ts';

/** In the state directory, where no other place is given. */
const FILE = 'knowledge.json';
/** All prefixes of the internet with their labels are half of this. */
const MOST_OPERATORS = 64 * 2 ** 20;
/** Ten minutes of learning are no loss, and a file of some megabytes is written in one piece. */
const SAVE_MS = 600_000;

/** What the fleet has found out about carriers, and the file it is kept in. */
export interface Fleet {
  readonly knowledge: Knowledge;
  /** Keeps what was learned since, at once. */
  stop(): Promise<void>;
}

/** Reads knowledge and the table of operators. Rejects with a sentence for the owner when the table is no good. */
export async function openFleet(config: Config, state: StateFolder, log: Log): Promise<Fleet> {
  const operators = config.operators === '' ? undefined : await operatorsIn(config.operators);
  const place =
    config.knowledge === '' ? { folder: state, name: FILE } : await StateFolder.around(config.knowledge, log);
  const { folder, name } = place;
  const knowledge = new Knowledge({ random: secureRandom, operators, hourOf: hourOfWeek });
  let keys: number | undefined;
  await folder.learned(name, (value) => {
    const taken = knowledge.import(value, monotonic());
    keys = typeof taken === 'number' ? taken : undefined;
    return keys;
  });
  log.info('knowledge', { keys: keys ?? 0, operators: operators?.size ?? 0 });
  let saved = knowledge.changes;
  const save = (): void => {
    if (knowledge.changes === saved) return;
    saved = knowledge.changes;
    folder.learn(name, knowledge.export(monotonic()));
  };
  const timer = setInterval(save, SAVE_MS);
  return {
    knowledge,
    stop: async () => {
      clearInterval(timer);
      save();
      await folder.close();
    },
  };
}

async function operatorsIn(path: string): Promise<Operators> {
  const read = await readText(path, MOST_OPERATORS, 'table of operators');
  if ('problem' in read) throw new Error(read.problem);
  const operators = readOperators(read.text);
  if (operators instanceof Operators) return operators;
  throw new Error(operators.faults.map((fault) => `${path} ${fault}`).join('; '));
}

/** From Monday 0:00 UTC. A clock that is wrong all the time is as good: hours are only told apart. */
function hourOfWeek(): number {
  const date = new Date();
  return ((date.getUTCDay() + 6) % 7) * 24 + date.getUTCHours();
}
