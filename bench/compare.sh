#!/usr/bin/env bash
# Another commit against this tree, measured in turns in one run: time, processor time and peak memory, medians and the ratios of pairs.
#
#   bench/compare.sh [options] COMMIT
#
#   --rounds N      turns of each (5)
#   --threads N     threads of each (all cores)
#   --only A,B      cases whose names begin so: op, vit8, vit16, vit32, vit-l14, inversion, pyramid, invert, help
#   --python        this tree against Debian's python3-torch too, where it is installed (vit8, vit16, vit32, inversion)
#   --csv FILE      where the table goes (.build/compare-COMMIT.csv); every measurement goes to FILE with .rounds.csv
#   --keep          leave the other commit's tree (in the temporary folder) for a later call
#
# The other commit is built in a worktree of its own by its own ./obverse, with whatever that installs, and driven by its own bench program.
set -euo pipefail
export LC_ALL=C MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false DOTNET_CLI_USE_MSBUILD_SERVER=0 # nobody builds beside a measurement
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf 'compare: %s\n' "$*" >&2; }
usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit "$1"; }

rounds=5 threads=$(nproc) only= python= csv= keep= commit=
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift ;; --threads) threads=$2; shift ;; --only) only=$2; shift ;; --csv) csv=$2; shift ;;
    --python) python=$here/bench/python.sh ;; --keep) keep=1 ;;
    -h | --help) usage 0 ;;
    -*) say "no option $1"; usage 2 >&2 ;;
    *) [ -z "$commit" ] || usage 2 >&2; commit=$1 ;;
  esac
  shift
done
[ -n "$commit" ] || usage 2 >&2
sha=$(git -C "$here" rev-parse --verify --quiet "$commit^{commit}") || { say "no commit '$commit' in this repository"; exit 2; }
if [ -n "$python" ] && ! "$python" -c 'import torch' 2>/dev/null; then say "python3-torch is not installed: measured without it"; python=; fi
csv=${csv:-$here/.build/compare-${sha:0:12}.csv}
mkdir -p "$(dirname "$csv")"
rows=${csv%.csv}.rounds.csv

# Outside this repository: MSBuild looks for Directory.Build.targets in every folder above, and would give this tree's to a commit that has none.
there=${TMPDIR:-/tmp}/obverse-compare-$(id -u)/${sha:0:12}
work=$(mktemp -d)
child=
leave() { [ -z "$child" ] || kill "$child" 2>/dev/null || true; rm -rf "$work"; if [ -z "$keep" ]; then git -C "$here" worktree remove --force "$there" 2>/dev/null || true; fi; }
trap leave EXIT
trap 'exit 130' INT TERM
git -C "$here" worktree prune
[ -e "$there/.git" ] || git -C "$here" worktree add --quiet --detach --force "$there" "$sha"

build() {
  say "building $1 …"
  "$1/obverse" --help >/dev/null
  [ ! -d "$1/bench/Obverse.Bench" ] || dotnet build "$1/bench/Obverse.Bench" -c Release -v quiet --nologo >"$work/build" 2>&1 || { grep -E 'error' "$work/build" | sort -u | head >&2; say "its bench program did not build"; }
}
build "$there"; build "$here"

# Where a commit's own program knows ViT-B/32 only, the same program is built again with the other name in its place.
rename() {
  local project=$1/bench/ViT-L-14
  [ ! -f "$project/built" ] || return 0
  mkdir -p "$project"
  cp "$1"/bench/Obverse.Bench/*.cs* "$project/"
  sed -i 's/"ViT-B-32"/"ViT-L-14"/' "$project/VitGradient.cs"
  dotnet build "$project" -c Release -v quiet --nologo >"$work/build" 2>&1 && touch "$project/built"
}

# In a tree's own environment, as its launcher makes it; then COMMAND takes the shell's place.
within() { local tree=$1; shift; if [ -f "$tree/tools/setup.sh" ]; then . "$tree/tools/setup.sh"; fi; export OMP_NUM_THREADS=$threads; cd "$work"; exec "$@"; }

# Runs a command; then $wall is its seconds, $cpu its processor's (where others compute beside it, wall tells of them), $peak its largest resident set in MB, $work/out what it said. ru_maxrss would do if it did not count what the parent held when it forked.
mkfifo "$work/never"; exec 9<>"$work/never" # read -t waits on it without a process of its own
watched() {
  local begun=$EPOCHREALTIME code=0 watcher
  times >"$work/before" # of children that were waited for, in the second line: user and system
  (within "$@") >"$work/out" 2>"$work/err" </dev/null 9>&- &
  child=$!
  {
    most=0
    while now=; { while read -r key value _; do [ "$key" != VmHWM: ] || now=$value; done </proc/$child/status; } 2>/dev/null && [ -n "$now" ]; do most=$now; read -rt 0.05 -u 9 || true; done
    echo "$most" >"$work/peak"
  } &
  watcher=$!
  wait "$child" || code=$?
  times >"$work/after"
  wall=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.4f", b - a }')
  cpu=$(awk -v RS='[ \n]' 'FNR > 2 { split($0, part, /[ms]/); sum += (NR == FNR ? -1 : 1) * (part[1] * 60 + part[2]) } END { printf "%.3f", sum }' "$work/before" "$work/after")
  wait "$watcher"; child=
  peak=$(awk '{ printf "%.0f", $1 / 1024 }' "$work/peak")
  return "$code"
}

value() { awk -v k="$1" '$1 == k { print $2 }' "$work/out"; }
program() { local tree=$1 which=$2; shift 2; watched "$tree" dotnet "$tree/bench/$which/bin/Release/net10.0/Obverse.Bench.dll" "$@"; }

# measure CASE WHO: sets `measured`, "name value" pairs; false where that commit cannot.
measure() {
  local case=$1 who=$2 tree=$here arguments code=0
  measured=()
  [ "$who" != there ] || tree=$there
  case $case in
    op) arguments=(op) ;;
    vit8 | vit16 | vit32) arguments=(vit "${case#vit}" 5) ;;
    vit-l14) arguments=(vit 8 1 ViT-L-14) ;;
    inversion) arguments=(inversion 4) ;;
    pyramid) arguments=(pyramid) ;;
    invert) watched "$tree" "$tree/obverse" invert "a tabby cat" --threads "$threads" -o "$work/cat.png" || return 1; measured=(seconds "$wall" cpu_seconds "$cpu" peak_mb "$peak"); return ;;
    help)
      local times=() n
      for n in 1 2 3 4 5; do watched "$tree" "$tree/obverse" --help || return 1; times+=("$wall"); done
      measured=(seconds "$(printf '%s\n' "${times[@]}" | sort -g | sed -n 3p)" cpu_seconds "$cpu" peak_mb "$peak"); return ;;
  esac
  if [ "$who" = python ]; then
    case $case in vit*) watched "$here" "$python" "$here/bench/vit.py" "${arguments[@]:1}" ;; *) watched "$here" "$python" "$here/bench/inversion.py" "${arguments[1]}" ;; esac || return 1
  else
    program "$tree" Obverse.Bench "${arguments[@]}" || code=$?
    if [ "$code" -eq 2 ] && [ "$case" = vit-l14 ] && rename "$tree"; then code=0; program "$tree" ViT-L-14 vit 8 1 || code=$?; fi
    [ "$code" -eq 0 ] || return 1
  fi
  case $case in
    op) measured=(op_microseconds "$(value op_microseconds)" in_place_microseconds "$(value op_in_place_microseconds)" cpu_seconds "$cpu") ;;
    pyramid) measured=(seconds "$(value step_seconds)" network_seconds "$(value network_seconds)" cpu_seconds "$cpu" peak_mb "$peak") ;;
    *) measured=(seconds "$(value seconds)" cpu_seconds "$cpu" peak_mb "$peak") ;;
  esac
}

wanted() { local prefix; [ -n "$only" ] || return 0; for prefix in ${only//,/ }; do case $1 in "$prefix"*) return 0 ;; esac; done; return 1; }

echo case,round,who,measure,value >"$rows"
for case in op vit8 vit16 vit32 vit-l14 inversion pyramid invert help; do
  wanted "$case" || continue
  contestants=(there here)
  case $case in vit8 | vit16 | vit32 | inversion) [ -z "$python" ] || contestants+=(python) ;; esac
  for round in $(seq "$rounds"); do
    say "$case, round $round of $rounds"
    # who begins changes with the round
    for n in $(seq 0 $((${#contestants[@]} - 1))); do
      who=${contestants[$(((n + round) % ${#contestants[@]}))]}
      if measure "$case" "$who"; then
        for ((i = 0; i < ${#measured[@]}; i += 2)); do echo "$case,$round,$who,${measured[i]},${measured[i + 1]}" >>"$rows"; done
      else
        say "$case: $who cannot, or failed: $(grep -m1 . "$work/err" | cut -c1-300 || true)"
      fi
    done
  done
done

changes=$(git -C "$here" diff --quiet HEAD && echo || echo ' with changes')
echo "Baseline ${sha:0:12}; here $(git -C "$here" rev-parse --short=12 HEAD)$changes. $threads threads of $(nproc) cores ($(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)), $rounds rounds in turns, load $(cut -d' ' -f1 /proc/loadavg) at the end, $(date +%F). Ratios are here / baseline of each round: below 1 is better."
echo
awk -F, -v csv="$csv" '
  function median(list, n, copy, i, j, t) { for (i = 1; i <= n; i++) copy[i] = list[i] + 0; for (i = 2; i <= n; i++) for (j = i; j > 1 && copy[j - 1] > copy[j]; j--) { t = copy[j]; copy[j] = copy[j - 1]; copy[j - 1] = t }; low = copy[1]; high = copy[n]; return n % 2 ? copy[(n + 1) / 2] : (copy[n / 2] + copy[n / 2 + 1]) / 2 }
  NR > 1 { if (!(($1, $4) in seen)) { seen[$1, $4]; order[++rows] = $1 SUBSEP $4 } value[$1, $4, $3, $2] = $5; if ($2 > rounds) rounds = $2 }
  END {
    print "case,measure,baseline,baseline_median,here_median,ratio_median,ratio_min,ratio_max,rounds" > csv
    print "| case | measure | baseline | its median | here | ratio | min..max |"; print "|---|---|---|---|---|---|---|"
    split("there python", baselines, " ")
    for (b = 1; b <= 2; b++) for (r = 1; r <= rows; r++) {
      split(order[r], key, SUBSEP); n = 0
      for (k = 1; k <= rounds; k++) { x = value[key[1], key[2], baselines[b], k]; y = value[key[1], key[2], "here", k]; if (x > 0 && y > 0) { n++; before[n] = x; after[n] = y; ratio[n] = y / x } }
      if (n == 0) { if (b == 1) printf "| %s | %s | commit | - | - | - | - |\n", key[1], key[2]; continue }
      name = b == 1 ? "commit" : "python"; m = median(before, n); h = median(after, n); q = median(ratio, n)
      printf "| %s | %s | %s | %.4g | %.4g | %.3f | %.3f..%.3f |\n", key[1], key[2], name, m, h, q, low, high
      printf "%s,%s,%s,%g,%g,%.4f,%.4f,%.4f,%d\n", key[1], key[2], name, m, h, q, low, high, n > csv
    }
  }' "$rows"
say "the table is in $csv, every measurement in $rows"
