/**
 * How common the classes of NAT are among households, in percent. ASSUMPTIONS, not measurements: built from a few sourced
 * points (Richter et al. 2016: carrier NAT in 17-18 % of the non-cellular networks with people in them and in over 92 %
 * of the cellular ones; Klinec: symmetric NAT at a third of the mobile providers) and from recalled or guessed shares for
 * the rest: public addresses for 70 / 35 / 6 % of the lines, a second home router before ours for 12 / 10 / 2 %, of which
 * half grant a port mapping, UDP blocked for 1-2 %. To be replaced by the counts of a fleet.
 */
export const WORLDS = {
  'fixed lines, EU and US': { O: 78.9, E1: 2.7, E2: 14.3, Ea: 0.7, Sq: 1.1, B: 0.5, R: 0.7, U: 1.0 },
  'fixed lines, many carrier NATs': { O: 50.6, E1: 8.3, E2: 31.6, Ea: 2.2, Sq: 2.9, B: 1.7, R: 1.8, U: 1.0 },
  '4G/5G routers': { O: 16.1, E1: 9.2, E2: 31.3, Ea: 4.6, Sq: 9.2, B: 13.8, R: 13.8, U: 1.9 },
  'hosts behind home routers': { O: 8.9, E1: 3.1, E2: 76.6, Ea: 0.9, Sq: 3.5, B: 1.1, R: 4.8, U: 1.0 },
} as const satisfies Record<string, Readonly<Record<NatClass, number>>>;

/** Open; one port for all with a filter by address, or by address and port; a port per address; counting; a block; random; no UDP. */
export type NatClass = 'O' | 'E1' | 'E2' | 'Ea' | 'Sq' | 'B' | 'R' | 'U';

/** Everybody who can be reached by UDP at all. */
export const CLASSES = ['O', 'E1', 'E2', 'Ea', 'Sq', 'B', 'R'] as const satisfies readonly NatClass[];
