#!/usr/bin/env bash
# `eval table` killed at random moments: after so many kills the same command must end in the bytes of a table that was not stopped. `bench/eval-stops.sh [KILLS [SEED]]`.
# OBVERSE="dotnet …/Obverse.Cli.dll" names another build, PICTURES how many a set has, NETWORK the model; THREADS=1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kills=${1:-10}
RANDOM=${2:-1}
obverse=${OBVERSE:-$here/../obverse}
pictures=${PICTURES:-60} network=${NETWORK:-pocket-judge}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Pictures as Netpbm would have them: noise in a PNG of stored blocks, by Python's standard library.
python3 - "$work" "$pictures" <<'PY'
import os, random, struct, sys, zlib
folder, count = sys.argv[1], int(sys.argv[2])
def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
for number, name in enumerate(("one", "two", "real")):
    os.makedirs(f"{folder}/{name}")
    for i in range(count):
        noise = random.Random(1000 * number + i)
        rows = b"".join(b"\0" + noise.randbytes(48 * 3) for _ in range(48))
        with open(f"{folder}/{name}/{i:04}.png", "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 48, 48, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))
PY
cat > "$work/table.json" <<JSON
{"methods": [{"name": "one", "pictures": "one"}, {"name": "two", "pictures": "two"}],
 "measures": [{"metric": "fid", "network": "$network", "reference": "real"}, {"metric": "kid", "network": "$network", "reference": "real", "subsetSize": 20, "subsets": 10}, {"metric": "cmmd", "network": "$network", "reference": "real"}, {"metric": "psnr", "reference": "real"}]}
JSON
ask() { $obverse eval table --spec "$work/table.json" -o "$work/$1" --cache "$2" --threads "${THREADS:-1}" --halves 4; }

begun=$(date +%s%3N)
ask whole none >/dev/null 2>&1
millis=$(( $(date +%s%3N) - begun ))
killed=0
for ((i = 1; i <= kills; i++)); do
  pause=$(( millis / 5 + RANDOM % millis ))
  set -m; ask part "$work/cache" >"$work/log" 2>&1 & pid=$!; set +m
  sleep "$(printf '%d.%03d' $((pause / 1000)) $((pause % 1000)))"
  if kill -KILL -- -$pid 2>/dev/null; then killed=$((killed + 1)); fi
  wait $pid 2>/dev/null || true
  echo "kill $i after $pause of $millis ms: $(find "$work/part/cells" -name '*.json' 2>/dev/null | wc -l) of 8 numbers are there" >&2
  if [ -f "$work/part/table.csv" ]; then # finished: what is left is to begin anew
    cmp "$work/whole/table.csv" "$work/part/table.csv"
    rm -rf "$work/part" "$work/cache"
  fi
done
ask part "$work/cache" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
for file in table.csv table.json table.md; do cmp "$work/whole/$file" "$work/part/$file"; done
echo "$killed kills: table.csv, table.json and table.md are those of a run that was not stopped, byte for byte."
