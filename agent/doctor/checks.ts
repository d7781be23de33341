import { CHECK_NAMES, type Check } from './finding.ts';
import { HOME_CHECKS } from './home-checks.ts';
import { NAT_CHECKS } from './nat-checks.ts';
import { WAY_CHECKS } from './way-checks.ts';

/** Everything the doctor looks at, in the order in which it is told. */
export const CHECKS: readonly Check[] = [...NAT_CHECKS, ...WAY_CHECKS, ...HOME_CHECKS].toSorted(
  (a, b) => CHECK_NAMES.indexOf(a.name) - CHECK_NAMES.indexOf(b.name),
);
