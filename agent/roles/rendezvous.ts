import { key } from '../base/address.ts';
import { bytesOf } from '../base/bytes.ts';
import { isObject } from '../base/json.ts';
import { base32, fromBase32 } from '../base/text32.ts';
import { ms } from '../base/time.ts';
import type { Config } from '../config/schema.ts';
import { hasAes, nodeCipher, secureRandom } from '../io/crypto.ts';
import { Drive, monotonic } from '../io/drive.ts';
import { StateFolder } from '../io/files.ts';
import { type LineServer, startLineServer } from '../io/line-server.ts';
import type { Log } from '../io/log.ts';
import { Rendezvous, type RendezvousEvent } from '../rendezvous/server.ts';
import type { TicketKey } from '../seal/tickets.ts';
import { openFleet } from './fleet.ts';
import type { Role } from './role.ts';

const TICKETS = 'tickets.json';
/** Ticket keys change once a day; what a crash loses is at most this much of their age. */
const SAVE_TICKETS_MS = 3600_000;
/** How often the log says how much there is to do. */
const TELL_COUNTERS_MS = 600_000;

/** `hearth rendezvous`: introduces households, observes addresses, relays where nothing else goes. */
export const rendezvous: Role = async (config, out, log) => {
  const cipher = nodeCipher();
  const state = await StateFolder.open(config.state, log);
  const identity = cipher.pair(await state.key('node.key', () => cipher.random(32)));
  const fleet = await openFleet(config, state, log);
  let lines: LineServer | undefined;
  const machine = new Rendezvous({
    cipher,
    random: secureRandom,
    identity,
    networkSecret: bytesOf(config.networkSecret),
    suites: hasAes() ? ['aes-128-gcm', 'chacha20-poly1305'] : ['chacha20-poly1305'],
    listen: config.listen,
    now: monotonic(),
    ticketKeys: (await state.learned(TICKETS, ticketKeys)) ?? [],
    limits: { relayKbits: relayKbits(config) },
    firstByte: config.shyFirstByte ? 'shy' : 'any',
    knowledge: fleet.knowledge,
    lineSide: () => ({ port: lines?.port ?? 0, clock: Date.now() }),
  });
  const ready = Promise.withResolvers<void>();
  const drive = new Drive<never, RendezvousEvent>(machine, (event) => {
    if (event.name === 'ready') {
      const { ip, port, key: public_ } = event.fields;
      out.line(`rendezvous ready ${key({ ip: String(ip), port: Number(port) })} key ${public_}`);
      ready.resolve();
    }
    if (event.name === 'failed') {
      const place = config.listen[Number(event.fields['listen'])];
      const where = place === undefined ? 'an address' : key(place);
      ready.reject(new Error(`cannot listen on ${where}: ${event.fields['reason']}; choose another with --listen`));
    }
    tell(log, event);
  });
  const saveTickets = (): void => state.learn(TICKETS, machine.ticketKeys(monotonic()).map(ticketText));
  const timers = [
    setInterval(saveTickets, SAVE_TICKETS_MS),
    setInterval(() => tellCounters(log, machine), TELL_COUNTERS_MS),
  ];
  const stop = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer);
    drive.stop();
    lines?.stop();
    tellCounters(log, machine);
    saveTickets();
    await fleet.stop();
    await state.close();
  };
  drive.give({ kind: 'tick' });
  try {
    await ready.promise;
  } catch (error) {
    await stop();
    throw error;
  }
  saveTickets();
  if (config.lineTests) lines = await lineServer(machine, log);
  return { stop, reread: (changed) => machine.limitRelaying(relayKbits(changed)) };
};

/** Where household owners' doctors may connect; a rendezvous without it does everything else. */
async function lineServer(machine: Rendezvous, log: Log): Promise<LineServer | undefined> {
  const { local } = machine;
  if (local === undefined) return undefined;
  try {
    return await startLineServer(local, (ip) => machine.lines.visit(ip, monotonic()));
  } catch (error) {
    log.warn('no line tests here', { reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

function relayKbits(config: Config): number {
  return config.relay ? config.relayKbit : 0;
}

/** Who came and went is for whoever looks for something; what an operator may have to act on is said. */
function tell(log: Log, { name, fields }: RendezvousEvent): void {
  if (name === 'failed') log.error('cannot listen', fields);
  else if (name === 'ready' || name === 'published') log.info(name, fields);
  else log.debug(name, fields);
}

function tellCounters(log: Log, machine: Rendezvous): void {
  const { refused, conducting, bridging, ...counters } = machine.counters();
  const { begun, won, failed, underWay, resting, withheld } = conducting;
  const plans = { plans_under_way: underWay, plans_resting: resting, plans_withheld: withheld };
  const { offered, carried, begun: bridged, failed: unbridged } = bridging;
  const bridges = {
    relays_offered: offered,
    pairs_carried: carried,
    bridges_begun: bridged,
    bridges_failed: unbridged,
  };
  const words = { ...named('refused', refused), ...named('begun', begun), ...named('won', won) };
  log.info('counters', { ...counters, ...plans, ...bridges, ...words, ...named('failed', failed) });
}

/** Counts by word as facts of a log line. */
function named(what: string, counts: Readonly<Record<string, number>>): Record<string, number> {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return Object.fromEntries(some.map(([word, count]) => [`${what}_${word.replaceAll('-', '_')}`, count]));
}

interface TicketText {
  readonly id: number;
  readonly key: string;
  readonly age_ms: number;
}

const ticketText = ({ id, key: bytes, age }: TicketKey): TicketText => ({
  id,
  key: base32(bytes),
  age_ms: Math.round(age),
});

function ticketKeys(value: unknown): readonly TicketKey[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const keys = value.map(ticketKey);
  return keys.includes(undefined) ? undefined : keys.filter((one) => one !== undefined);
}

function ticketKey(value: unknown): TicketKey | undefined {
  if (!isObject(value)) return undefined;
  const { id, key: text, age_ms: age } = value;
  const bytes = typeof text === 'string' ? fromBase32(text) : undefined;
  if (typeof id !== 'number' || typeof age !== 'number' || bytes?.length !== 32) return undefined;
  return { id, key: bytes, age: ms(age) };
}
