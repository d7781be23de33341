import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { CLASS_ROWS } from './classes.ts';
import { P2PSP_ROWS } from './p2psp.ts';
import { type Cell, cells as cellsOf, ROWS, type Row, scene } from './rows.ts';
import { type Trial, trial } from './trial.ts';

/** Some runs of one cell; plain data, because it goes to another thread. */
interface Task {
  readonly cell: Cell;
  readonly from: number;
  readonly to: number;
}

/** So few that both cores stay busy to the end. */
const CHUNK = 25;
/** Between the seeds of two cells. */
const APART = 100_000;

/** The runs of a cell by their numbers; each has a seed of its own, also among all cells of the row. */
export function runsOf(row: Row, cell: Cell, from: number, to: number): Trial[] {
  const place = Math.max(
    0,
    cellsOf(row).findIndex((other) => sameCell(other, cell)),
  );
  return Array.from({ length: to - from }, (_, i) => trial(scene(row, cell, from + i), place * APART + from + i));
}

function sameCell(a: Cell, b: Cell): boolean {
  return (Object.keys(a) as (keyof Cell)[]).every((name) => a[name] === b[name]);
}

/** Runs cells on so many threads; the result is the same with any number of them. */
export class Crew {
  readonly #workers: readonly Worker[];

  constructor(size: number) {
    this.#workers = Array.from({ length: size }, () => new Worker(new URL(import.meta.url)));
  }

  /** `runs` runs of each cell, with seeds from `seed` on; the results in the order of the cells. */
  async measure(cells: readonly Cell[], runs: number, seed: number): Promise<Trial[][]> {
    const results: Trial[][] = cells.map(() => []);
    const tasks = cells.flatMap((cell, index) =>
      Array.from({ length: Math.ceil(runs / CHUNK) }, (_, i) => {
        const from = seed + i * CHUNK;
        return { index, task: { cell, from, to: Math.min(seed + runs, from + CHUNK) } satisfies Task };
      }),
    );
    const work = async (worker: Worker): Promise<void> => {
      for (let next = tasks.shift(); next !== undefined; next = tasks.shift()) {
        const done = await ask(worker, next.task);
        results[next.index]?.push(...done);
      }
    };
    await Promise.all(this.#workers.map(work));
    return results;
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

async function ask(worker: Worker, task: Task): Promise<Trial[]> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (trials: Trial[]) => {
      worker.off('error', reject);
      resolve(trials);
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin, only a window does
    worker.postMessage(task);
  });
}

if (!isMainThread) {
  parentPort?.on('message', ({ cell, from, to }: Task) => {
    const row = [...ROWS, ...CLASS_ROWS, ...P2PSP_ROWS].find(({ name }) => name === cell.row);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin, only a window does
    parentPort?.postMessage(row === undefined ? [] : runsOf(row, cell, from, to));
  });
}
