import { main } from '../../agent/main.ts';
import type { Role } from '../../agent/roles/role.ts';

/** A program with one role that runs until it is stopped, for the tests of signals; `--name` says how it stops. */
const agent: Role = async (config, out, log) => {
  if (config.name === 'refuse') throw new Error('port taken');
  // Something must keep the process alive, as sockets do.
  const alive = setInterval(() => {}, 1000);
  out.line('ready');
  const stopped = Promise.withResolvers<number>();
  return {
    // A role that waits for a result has none when it is stopped.
    done: stopped.promise,
    stop: async () => {
      if (config.name === 'forever') return new Promise(() => {});
      if (config.name === 'broken') throw new Error('no');
      clearInterval(alive);
      stopped.resolve(7);
      await new Promise((resolve) => setTimeout(resolve, 20));
      out.line('stopped');
    },
    reread: ({ children, lan }) => log.info('reread', { children, lan: lan === 'off' }),
  };
};

void main(process.argv.slice(2), { agent: () => Promise.resolve(agent) });
