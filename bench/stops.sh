#!/usr/bin/env bash
# Random stops (TERM, HUP, INT, KILL) of `invert --n 3`, `batch` and `render` at random moments. After each the same command, or `invert --resume`, must end in the bytes of a run that was not stopped,
# with no file too many, and no process may end by a segmentation fault. `bench/stops.sh [STOPS [SEED]]`; OBVERSE="dotnet …/Obverse.Cli.dll" names another build.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stops=${1:-100}
RANDOM=${2:-1}
obverse="env --default-signal=INT,HUP,TERM ${OBVERSE:-$here/../obverse}" # a shell in the background, or under nohup, hands down that they are ignored
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OBVERSE_CHECKPOINT_SECONDS=${OBVERSE_CHECKPOINT_SECONDS:-0.3}
small=(--recipe "${RECIPE:-pyramid}" --size 32 --views 1 --steps "${STEPS:-40}")

printf 'a tabby cat\na red fox | snow:0.3\na lighthouse\na sunflower\n' > "$work/prompts.txt"
$obverse invert "a goldfish" "${small[@]}" --threads 1 -o "$work/fish.png" >/dev/null 2>&1

command_of() { # KIND FOLDER: sets the array `ask`
  case $1 in
    invert) ask=(invert "a tabby cat" "${small[@]}" --n 3 --seed 5 --threads 1 --no-judge -o "$2/cat.png") ;;
    batch) ask=(batch "$work/prompts.txt" "${small[@]}" --workers 2 -o "$2") ;;
    render) ask=(render "$work/fish.png" --size 256 --threads 1 -o "$2/large.png") ;;
  esac
}

declare -A millis count codes
for kind in invert batch render; do
  mkdir "$work/$kind"
  command_of $kind "$work/$kind"
  begun=$(date +%s%3N)
  $obverse "${ask[@]}" >/dev/null 2>&1
  millis[$kind]=$(( $(date +%s%3N) - begun ))
  count[$kind]=0
done

kinds=(invert batch render)
signals=(TERM HUP INT KILL)
resumed=0 named=0 again=0 wrong=0
for ((i = 1; i <= stops; i++)); do
  kind=${kinds[RANDOM % 3]} signal=${signals[RANDOM % 4]}
  part=$work/part
  rm -rf "$part"; mkdir "$part"
  command_of $kind "$part"
  # From the first step on more often than before it.
  pause=$(( ${millis[$kind]} / 5 + RANDOM % ${millis[$kind]} ))
  set -m; $obverse "${ask[@]}" >"$work/log" 2>&1 & pid=$!; set +m
  sleep "$(printf '%d.%03d' $((pause / 1000)) $((pause % 1000)))"
  kill -$signal $pid 2>/dev/null || true
  code=0; wait $pid 2>/dev/null || code=$?
  codes["$signal $code"]=$(( ${codes["$signal $code"]:-0} + 1 ))
  [ $code = 0 ] || count[$kind]=$(( ${count[$kind]} + 1 ))
  if [ $code = 139 ] || [ $code = 134 ]; then echo "stop $i: $kind, $signal after $pause ms ended with $code" >&2; wrong=$((wrong + 1)); fi
  checkpoint=$(ls "$part"/*.checkpoint.safetensors 2>/dev/null | head -n 1 || true)
  if [ -n "$checkpoint" ]; then resumed=$((resumed + 1)); fi
  code=0
  if [ $kind = invert ] && [ -n "$checkpoint" ] && [ $((RANDOM % 2)) = 0 ]; then
    named=$((named + 1))
    $obverse invert --resume "$checkpoint" --no-judge >"$work/again" 2>&1 || code=$?
  else
    again=$((again + 1))
    $obverse "${ask[@]}" >"$work/again" 2>&1 || code=$?
  fi
  if [ $code != 0 ] || ! diff -r "$work/$kind" "$part" >"$work/diff" 2>&1; then
    wrong=$((wrong + 1))
    echo "stop $i: $kind, $signal after $pause ms: the next run ended with $code" >&2
    cat "$work/log" "$work/again" "$work/diff" 2>/dev/null | grep -v '^step' | tail -n 12 >&2
    ls -A "$part" >&2
  fi

  if [ $((i % 10)) = 0 ]; then echo "$i stops, $wrong wrong" >&2; fi
done

echo "$stops stops: $wrong wrong. Undisturbed: invert ${millis[invert]} ms, batch ${millis[batch]} ms, render ${millis[render]} ms; interrupted: invert ${count[invert]}, batch ${count[batch]}, render ${count[render]}."
echo "A checkpoint was there after $resumed; $named went on by --resume, $again by the same command."
for key in "${!codes[@]}"; do echo "  $key: ${codes[$key]}"; done | sort | sed 's/^  \([A-Z]*\) \(.*\): \(.*\)/  \1, exit code \2: \3/'
[ $wrong = 0 ]
