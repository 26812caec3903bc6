#!/usr/bin/env bash
# Updates of SD-IPC-FT or SD-IPC-CT at full size with random weights (ViT-L/14 with 50 deep prompts a block, Stable Diffusion 1.x' UNet at 64 x 64 latents) against the same graph in Python, in turns in one run.
#
#   bench/tune.sh [ROUNDS [ft|ct [recompute|plain [UPDATES]]]]     (1 ft recompute 2)
#
# ft: both losses of eq. 9, batch 1. ct: the converted picture's loss alone, batch 2. recompute: gradient checkpointing. The first update of each process is told, the mean of the others counts; peak memory is of all.
# OMP_NUM_THREADS: threads of each (all cores). PRECISION: fp32, bf16 or auto, of ours. Debian's python3-torch is installed where it is missing (root).
set -euo pipefail
export LC_ALL=C
say() { printf 'tune: %s\n' "$*" >&2; }
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
rounds=${1:-1} method=${2:-ft} how=${3:-recompute} updates=${4:-2}
python_has torch
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)}
echo "$(machine "$OMP_NUM_THREADS") Precision ${PRECISION:-fp32}, $method, $how, $updates updates."
for round in $(seq "$rounds"); do
  order=(obverse python); [ $((round % 2)) = 1 ] || order=(python obverse)
  for who in "${order[@]}"; do
    if [ "$who" = python ]; then "$python" "$here/tune.py" "$method" "$how" "$updates"; else bench tune "$method" "$how" "${PRECISION:-fp32}" "$updates"; fi | sed "s/^/$round $who /"
  done
done | tee /dev/stderr | awk '
  $3 ~ /^(later_step_seconds|later_cpu_seconds|first_cpu_seconds|peak_mb)$/ { v[$3, $2, $1] = $4; if ($1 > rounds) rounds = $1 }
  END {
    print "| | Obverse | Python | ratio |"; print "|---|---|---|---|"
    n = split("first_cpu_seconds later_cpu_seconds later_step_seconds peak_mb", names, " ")
    for (m = 1; m <= n; m++) for (r = 1; r <= rounds; r++) printf "| %s, round %d | %.4g | %.4g | %.2f |\n", names[m], r, v[names[m], "obverse", r], v[names[m], "python", r], v[names[m], "obverse", r] / v[names[m], "python", r]
  }'
