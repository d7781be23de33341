import { base32 } from '../base/text32.ts';
import { VERSION } from '../base/version.ts';
import type { Privacy } from '../blocks/lock.ts';
import { Household, type HouseholdEffect, type HouseholdInput } from '../house/household.ts';
import { statusOf } from '../house/status.ts';
import { readTable } from '../io/conntrack.ts';
import { nodeCipher } from '../io/crypto.ts';
import { Drive, monotonic } from '../io/drive.ts';
import { StateFolder } from '../io/files.ts';
import { type Lan, startLan } from '../io/lan.ts';
import type { LanSource } from '../io/lan-source.ts';
import type { Metric } from '../io/metrics.ts';
import { playlist } from '../media/playlist.ts';
import { openDoorman, portFor } from './doorman.ts';
import { logEvent } from './events.ts';
import { openMemory } from './memory.ts';
import { householdMetrics } from './metrics.ts';
import { carriesOf, placeOf } from './place.ts';
import type { Role } from './role.ts';
import { openUpload, watchSurroundings } from './surroundings.ts';

/** `hearth agent`: the household. */
export const agent: Role = async (config, out, log) => {
  const cipher = nodeCipher();
  const state = await StateFolder.open(config.state, log);
  const identity = cipher.pair(await state.key('node.key', () => cipher.random(32)));
  const memory = await openMemory(state);
  const upload = await openUpload(state);
  const household = new Household({
    ...placeOf({ ...config, udpPort: await portFor(config.udpPort) }, 'agent', identity, cipher),
    known: memory.known,
    channels: config.channels,
    ringSpan: config.ring,
    ringBytes: config.ringMb * 2 ** 20,
    hold: config.cushion,
    uploadKbits: config.upload,
    uploadShare: config.uploadShare / 100,
    knownUpload: upload.known,
  });
  const started = monotonic();
  const sources = household.watches.map((watch): LanSource => {
    const id = base32(watch.channel);
    return {
      id,
      get name() {
        return watch.name === '' ? id.slice(0, 12) : watch.name;
      },
      get locked() {
        return lockedSentence(watch.privacy);
      },
      ring: watch.ring,
    };
  });
  let lan: Lan | undefined;
  const status = () => {
    const now = monotonic();
    const viewers = lan?.viewers() ?? [];
    const { channels, ...whole } = statusOf(household, now);
    return {
      version: VERSION,
      node: base32(identity.publicKey),
      name: config.name,
      uptime_s: Math.round((now - started) / 1000),
      ...whole,
      channels: channels.map((channel) => ({
        ...channel,
        viewers: viewers.filter((viewer) => viewer.channel === channel.id),
      })),
    };
  };
  const metrics = (): readonly Metric[] => householdMetrics(household, drive.counters(), monotonic());
  if (config.lan !== 'off') {
    lan = await startLan({
      address: config.lan.ip,
      port: config.lan.port,
      names: [config.name],
      channels: () => sources,
      status,
      playlist: (base) =>
        playlist(
          sources
            .filter(({ locked }) => locked === undefined)
            .map(({ id, name }, i) => ({ id, name, url: `${base}/live/${id}.ts`, number: i + 1 })),
        ),
      metrics,
      viewers: config.lanViewers,
    });
    out.line(`lan ready ${lan.url}`);
  }
  const { promise: unbound, reject } = Promise.withResolvers<never>();
  unbound.catch(() => {});
  let said = false;
  const drive = new Drive<HouseholdInput, HouseholdEffect>(household, (effect) => {
    switch (effect.kind) {
      case 'ready':
        log.info('nat', {
          kind: effect.profile.kind,
          filtering: effect.profile.filtering,
          sure: effect.profile.confidence,
        });
        memory.keep(effect.profile);
        if (!said) out.line(`agent ready ${base32(identity.publicKey)}`);
        said = true;
        return;
      case 'unbound':
        reject(new Error(`the UDP port ${config.udpPort} cannot be had: ${effect.reason}; choose another with --port`));
        return;
      case 'news':
        lan?.released(base32(effect.channel));
        return;
      case 'learned':
        upload.keep(effect.known);
        return;
      case 'read-table': {
        const table = readTable();
        if (table !== undefined) drive.give(table);
        return;
      }
      case 'http':
      case 'keep':
      case 'left':
        doorman.act(effect);
        return;
      case 'event':
        logEvent(log, effect);
    }
  });
  const doorman = await openDoorman(state, (answer) => drive.give(answer));
  drive.give({ kind: 'start' });
  const surroundings = watchSurroundings(
    () => drive.counters(),
    () => doorman.terrain(),
    (input) => drive.give(input),
  );
  return {
    done: unbound,
    reread: (changed) => {
      drive.give({
        kind: 'allowed',
        children: changed.children,
        uploadKbits: changed.upload,
        share: changed.uploadShare / 100,
      });
      drive.give({ kind: 'carries', ...carriesOf(changed) });
    },
    stop: async () => {
      doorman.stop();
      surroundings.stop();
      drive.give({ kind: 'leave' });
      await doorman.left();
      drive.stop();
      log.info('counters', { ...household.endpoint.unanswered(), ...carriedFields(household) });
      await lan?.stop();
      await state.close();
    },
  };
};

/** Why the house cannot see this channel, for whoever asks for it; undefined where it can. */
function lockedSentence(privacy: Privacy | undefined): string | undefined {
  switch (privacy) {
    case undefined:
    case 'public':
    case 'open':
      return undefined;
    case 'missing':
      return 'This channel is private. This household has no token for it and only passes it on.';
    case 'wrong':
      return 'This channel is private, and the token of this household does not fit. Ask the broadcaster for the present one.';
  }
}

/** What was carried for others, as facts of a log line. */
function carriedFields({ endpoint }: Household): Record<string, number> {
  const { begun, datagrams, bytes } = endpoint.carried;
  return { relayed_pairs: begun, relayed_datagrams: datagrams, relayed_bytes: bytes };
}
