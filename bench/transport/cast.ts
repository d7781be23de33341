import type { ChildProcess } from 'node:child_process';
import { Lab, type LinkPlan } from './link.ts';
import type { Answer, LinkEnd, Order, Part, Report } from './node.ts';
import type { StackName } from './stack.ts';

const FLAGS = (process.env['NODE_FLAGS'] ?? '--max-semi-space-size=1').split(' ');

/** The processes of one run: part i plays in namespace i. */
export interface Cast {
  readonly parts: readonly Part[];
  readonly links: readonly LinkPlan[];
}

/** Sets the cast up, lets it play, forgets the warm-up, and answers with everyone's report. */
export async function play(name: StackName, cast: Cast, warmUp: number, seconds: number): Promise<readonly Report[]> {
  const lab = await Lab.open(cast.parts.length, cast.links);
  try {
    const module = new URL('node.ts', import.meta.url).pathname;
    const players = cast.parts.map((_, i) => lab.run(i, module, [], FLAGS));
    for (const [i, player] of players.entries()) {
      player.on('message', (answer: Answer) => {
        if (answer.kind === 'signal') carry(cast, players, i, answer.link, answer.word);
      });
    }
    await all(players, 'ready', 20, (player, i) => {
      const part = cast.parts[i] ?? { kind: 'sink' };
      tell(player, { kind: 'begin', stack: name, ends: endsOf(cast, i), part });
    });
    for (const player of players) tell(player, { kind: 'go' });
    await wait(warmUp);
    for (const player of players) tell(player, { kind: 'mark' });
    await wait(seconds);
    return (await all(players, 'report', 20, (player) => tell(player, { kind: 'report' }))) as unknown as Report[];
  } finally {
    lab.close();
  }
}

function endsOf(cast: Cast, player: number): LinkEnd[] {
  const ends: LinkEnd[] = [];
  for (const [link, { a, b }] of cast.links.entries()) {
    if (a !== player && b !== player) continue;
    const [mine, other] = a === player ? (['a', 'b'] as const) : (['b', 'a'] as const);
    const [local, remote] = [Lab.address(link, mine), Lab.address(link, other)];
    ends.push({ link, initiator: mine === 'a', local, remote, port: 30_000 + link });
  }
  return ends;
}

function carry(cast: Cast, players: readonly ChildProcess[], from: number, link: number, word: unknown): void {
  const plan = cast.links[link];
  const other = players[plan?.a === from ? plan.b : (plan?.a ?? 0)];
  if (other !== undefined) tell(other, { kind: 'signal', link, word });
}

function tell(player: ChildProcess, order: Order): void {
  player.send(order);
}

/** One answer of a kind from each, asked by `ask`. */
async function all(
  players: readonly ChildProcess[],
  kind: Answer['kind'],
  patience: number,
  ask: (player: ChildProcess, i: number) => void,
): Promise<Answer[]> {
  const answers = players.map(
    (player, i) =>
      new Promise<Answer>((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`player ${i}: no ${kind} within ${patience} s`)),
          patience * 1000,
        );
        player.on('message', (answer: Answer) => {
          if (answer.kind !== kind) return;
          clearTimeout(late);
          resolve(answer);
        });
        player.once('exit', (code) => {
          clearTimeout(late);
          reject(new Error(`player ${i} ended with ${code}`));
        });
      }),
  );
  for (const [i, player] of players.entries()) ask(player, i);
  return Promise.all(answers);
}

function wait(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
