#!/usr/bin/env bash
# The SVG beside a picture drawn by another program, resvg: bench/svg.sh FILE.svg… prints the PSNR of each against FILE.png (30 dB and more wanted; below it ends with 1).
# Without files it draws two: 64 strokes after 10 steps, and 256 random strokes. Wants Node 18 and npm; THREADS=1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
obverse=${OBVERSE:-$here/../obverse}
command -v npm >/dev/null || { echo "svg.sh: npm is not here: apt-get install -y nodejs npm" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -d "$here/svg/node_modules/@resvg/resvg-js" ] || npm ci --prefix "$here/svg" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
mkdir "$work/ours" "$work/resvg"
if [ $# = 0 ]; then
  ask() { $obverse invert "a cat" --recipe clipdraw --size 224 --threads "${THREADS:-1}" --no-judge "$@" >&2; }
  ask --strokes 64 --steps 10 -o "$work/strokes-64.png"
  ask --strokes 256 --steps 1 -o "$work/strokes-256.png"
  set -- "$work/strokes-64.svg" "$work/strokes-256.svg"
fi
for file in "$@"; do cp "${file%.svg}.png" "$work/ours/"; done
node "$here/svg/draw.mjs" "$work/resvg" "$@"
$obverse eval psnr "$work/ours" "$work/resvg" --json | sed -n 's/.*"event":"pair","file":"\([^"]*\)","value":\([0-9.]*\).*/\1 \2/p' | awk '{ printf "%s %.1f dB\n", $1, $2; if ($2 < 30) low = 1 } END { exit low || !NR }'
