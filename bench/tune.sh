#!/usr/bin/env bash
# An update of SD-IPC-FT at full size with random weights (ViT-L/14 with 50 deep prompts a block, Stable Diffusion 1.x' UNet at 64 x 64 latents, both losses of eq. 9, float32 or as the processor allows) against the same graph in Python,
# in turns in one run. bench/tune.sh [ROUNDS [BATCH [recompute|plain]]]; OMP_NUM_THREADS; PRECISION=auto. Each process makes two updates, the second is measured; peak memory is of both. Debian's python3-torch is installed where it is missing (root).
set -euo pipefail
export LC_ALL=C
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
rounds=${1:-1} batch=${2:-1} how=${3:-recompute}
python_has torch
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)}
echo "$(machine "$OMP_NUM_THREADS") Precision ${PRECISION:-fp32}, batch $batch, $how."
for round in $(seq "$rounds"); do
  order=(obverse python); [ $((round % 2)) = 1 ] || order=(python obverse)
  for who in "${order[@]}"; do
    if [ "$who" = python ]; then "$python" "$here/tune.py" "$batch" "$how"; else bench tune "$batch" "$how" "${PRECISION:-fp32}"; fi | sed "s/^/$round $who /"
  done
done | tee /dev/stderr | awk '
  $3 ~ /^(second_step_seconds|second_cpu_seconds|peak_mb)$/ { v[$3, $2, $1] = $4; if ($1 > rounds) rounds = $1 }
  END {
    print "| | Obverse | Python | ratio |"; print "|---|---|---|---|"
    split("second_step_seconds second_cpu_seconds peak_mb", names, " ")
    for (m = 1; m <= 3; m++) for (r = 1; r <= rounds; r++) printf "| %s, round %d | %.4g | %.4g | %.2f |\n", names[m], r, v[names[m], "obverse", r], v[names[m], "python", r], v[names[m], "obverse", r] / v[names[m], "python", r]
  }'
