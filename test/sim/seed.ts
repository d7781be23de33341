/** SEED=n replays a scenario of the simulator with that luck; a failing run names its seed. */
export const SEED = Number(process.env['SEED'] ?? 1);
