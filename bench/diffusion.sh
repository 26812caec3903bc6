#!/usr/bin/env bash
# Stable Diffusion 1.x at full size with random weights: a step of the UNet against the same graph in Python, in turns in one run; then a whole sample from fp16 files.
#
#   bench/diffusion.sh [options]
#
#   --rounds N      turns of each (3)
#   --threads N     threads of each (all cores)
#   --repeats N     calls a turn, after a small one to warm up; the least counts (2)
#   --precision P   fp32, bf16 or auto (auto: bf16 where the processor multiplies it in hardware)
#   --steps N       of the sample (20); 0: no sample
#   --size N        of the sample (512)
#   --fast N        a second sample that computes every Nth step in full
#   --folder DIR    where the random model lies, 1.9 GB (in the temporary folder); it is left there
#
# Debian's python3-torch is installed where it is missing (root). Python computes in float32; it is measured with channels first and, after that, last.
set -euo pipefail
export LC_ALL=C
say() { printf 'diffusion: %s\n' "$*" >&2; }
usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit "$1"; }
rounds=3 threads=$(nproc) repeats=2 precision=auto steps=20 size=512 fast= folder=${TMPDIR:-/tmp}/obverse-random-diffusion
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2 ;; --threads) threads=$2 ;; --repeats) repeats=$2 ;; --precision) precision=$2 ;; --steps) steps=$2 ;; --size) size=$2 ;; --fast) fast=$2 ;; --folder) folder=$2 ;;
    -h | --help) usage 0 ;; *) say "no option $1"; usage 2 >&2 ;;
  esac
  shift 2
done
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
python_has torch || say "measured without Python"
export OMP_NUM_THREADS=$threads
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -f "$folder/vae/diffusion_pytorch_model.safetensors" ] || { say "writing a random model to $folder …"; bench write-diffusion "$folder" >/dev/null; }

# turn WHO: its "name value" lines, with round and name before them.
turn() {
  local who=$1
  case $who in
    obverse) bench unet "$folder" "$repeats" "$precision" ;;
    python) "$python" "$here/unet.py" "$repeats" ;;
    python-last) "$python" "$here/unet.py" "$repeats" channels-last ;;
  esac | sed "s/^/$round $who /" >>"$work/rows"
}

who=(obverse)
if "$python" -c 'import torch' 2>/dev/null; then who+=(python python-last); fi
: >"$work/rows"
for round in $(seq "$rounds"); do
  say "round $round of $rounds"
  for n in $(seq 0 $((${#who[@]} - 1))); do turn "${who[$(((n + round) % ${#who[@]}))]}"; done # who begins changes with the round
done

echo "$(machine "$threads") Precision $precision, $rounds rounds in turns."
echo
awk '
  function median(list, n, copy, i, j, t) { for (i = 1; i <= n; i++) copy[i] = list[i] + 0; for (i = 2; i <= n; i++) for (j = i; j > 1 && copy[j - 1] > copy[j]; j--) { t = copy[j]; copy[j] = copy[j - 1]; copy[j - 1] = t }; return n % 2 ? copy[(n + 1) / 2] : (copy[n / 2] + copy[n / 2 + 1]) / 2 }
  { value[$3, $2, $1] = $4; if ($1 > rounds) rounds = $1 }
  END {
    print "| one step of the UNet | Obverse | Python | ratio | Python, channels last | ratio |"; print "|---|---|---|---|---|---|"
    split("seconds cpu_seconds peak_mb reused_seconds reused_cpu_seconds", measures, " "); split("obverse python python-last", names, " ")
    for (m = 1; m <= 5; m++) {
      for (w = 1; w <= 3; w++) { n = 0; for (r = 1; r <= rounds; r++) if ((measures[m], names[w], r) in value) list[++n] = value[measures[m], names[w], r]; found[w] = n ? median(list, n) : 0 }
      for (w = 2; w <= 3; w++) { n = 0; for (r = 1; r <= rounds; r++) if (((measures[m], names[w], r) in value) && ((measures[m], "obverse", r) in value)) list[++n] = value[measures[m], "obverse", r] / value[measures[m], names[w], r]; ratio[w] = n ? sprintf("%.3f", median(list, n)) : "-" }
      printf "| %s | %.4g | %.4g | %s | %.4g | %s |\n", measures[m], found[1], found[2], ratio[2], found[3], ratio[3]
    }
  }' "$work/rows"
[ "$steps" -gt 0 ] || exit 0
sample() { echo; echo "A sample of $steps steps at $size px$1, guidance 7.5, from fp16 files:"; echo '```'; bench sample "$folder" "$steps" "$size" "${@:2}"; echo '```'; }
sample ""
[ -z "$fast" ] || sample ", every ${fast}th step in full" "$fast"
