import { VERSION } from '../base/version.ts';
import { runtime } from '../io/runtime.ts';
import { finished, type Role } from './role.ts';

/** `hearth version`: what to write into a report. */
export const version: Role = (_config, out) => {
  out.line(`hearth ${VERSION} (${runtime()})`);
  return Promise.resolve(finished(0));
};
