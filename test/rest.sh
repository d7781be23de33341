#!/usr/bin/env bash
# What `make test` runs beyond `make check`, as far as this machine allows; what it could not run is named with the reason.
# Where CI is set, everything must run: a missing program is then a failure.
set -u
cd "$(dirname "$0")/.." || exit 1

skipped=()
failed=0
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT

# lacks PROGRAM...: prints those that are not installed.
lacks() {
  local program
  for program in "$@"; do command -v "$program" >/dev/null || printf '%s ' "$program"; done
}

# arm64: prints how an arm64 program is started here, if it can be.
arm64() {
  if [ "$(uname -m)" = aarch64 ]; then echo directly
  elif [ -z "$(lacks qemu-aarch64-static)" ] && [ -e /usr/aarch64-linux-gnu/lib/libstdc++.so.6 ]; then echo qemu
  fi
}

# run NAME COMMAND...: runs one group and remembers a failure.
run() {
  echo "== $1"
  (set -o pipefail; "${@:2}" 2>&1 | tee "$said/$1") || { echo "failed: $1"; touch "$said/$1.failed"; failed=1; }
}

# again: what failed and why, once more and last: a log is read from its end.
again() {
  local group
  for group in "$said"/*.failed; do
    [ -e "$group" ] || continue
    group=${group%.failed}
    echo "== failed in ${group##*/}"
    sed 's/\x1b\[[0-9;]*m//g' "$group" | grep -A 30 '^ *FAIL ' | head -150
  done
}

if [ "$(id -u)" != 0 ]; then
  skipped+=('test/net: kernel NATs need root for their network namespaces (sudo make net)')
elif [ -n "$(lacks ip nft ffmpeg ffprobe)" ]; then
  skipped+=("test/net: not installed: $(lacks ip nft ffmpeg ffprobe)")
elif ! unshare --net true 2>/dev/null; then
  skipped+=('test/net: this system allows no network namespaces')
elif compgen -G 'test/net/*.test.ts' >/dev/null; then
  run net node_modules/.bin/vitest run --project net
fi

if [ "$(uname -s)" != Linux ]; then
  skipped+=('test/pack: the packed program is a Linux program')
else
  if [ -z "$(arm64)" ]; then
    skipped+=('test/pack: the arm64 program is packed but not started: not installed: qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross')
  fi
  run pack node_modules/.bin/vitest run --project pack
fi

for reason in ${skipped[@]+"${skipped[@]}"}; do echo "NOT RUN  $reason"; done
if [ "${#skipped[@]}" -gt 0 ] && [ -n "${CI:-}" ]; then failed=1; fi
again
exit "$failed"
