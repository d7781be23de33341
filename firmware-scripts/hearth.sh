#!/bin/sh
# hearth from a checkout (`npx hearth ROLE`): the system's Node where it is 24 or newer, else the one that npm brought.
set -eu
here=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
node=$(command -v node || true)
if [ -z "$node" ] || ! "$node" -e 'process.exit(parseInt(process.versions.node) >= 24 ? 0 : 1)'; then
  node=$here/node_modules/.bin/node
  [ -x "$node" ] || { echo "hearth: needs Node 24; run \`npm ci\` in $here once, or install it" >&2; exit 1; }
fi
# Memory before speed: the flags are those of flags.ts; without the two for glibc it keeps some 10 MB that nobody uses.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX-1}" MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_-65536}"
exec "$node" --max-semi-space-size=1 --optimize-for-size --single-threaded-gc "$here/agent/main.ts" "$@"
