#!/usr/bin/env bash
# Measures Obverse against the same loops in Python, alternating in one run. Writes bench/results/DATE.md. Against another commit: compare.sh.
# Debian's python3-torch is installed where it is missing (root).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
python_has torch
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)}
out=$here/results/$(date +%F).md
{
  echo "# Benchmarks of $(date +%F)"
  echo
  machine "$OMP_NUM_THREADS"
  echo; echo '## One operator from C#'; echo '```'; bench op; echo '```'
  echo; echo '## 1,000 forward and backward steps'; echo '```'; bench memory; echo '```'
  gemm=$(bench gemm | value gemm_gflops)
  echo; echo "## ViT-B/32, random weights: forward and input gradient; peak (2048³ product): $gemm GFLOP/s"
  echo; echo '| views | Obverse s | Python s | ratio | share of the peak |'; echo '|---|---|---|---|---|'
  for views in 8 16 32; do
    # turns alternate: the machine is shared; the medians' ratio
    ours=(); theirs=()
    for turn in $(seq "${TURNS:-3}"); do
      result=$(bench vit $views); ours+=("$(echo "$result" | value seconds)")
      theirs+=("$($python "$here/vit.py" $views | value seconds)")
    done
    a=$(printf '%s\n' "${ours[@]}" | sort -g | sed -n "$(( (${TURNS:-3} + 1) / 2 ))p"); b=$(printf '%s\n' "${theirs[@]}" | sort -g | sed -n "$(( (${TURNS:-3} + 1) / 2 ))p")
    awk -v v=$views -v a="$a" -v b="$b" -v g="$gemm" 'BEGIN { macs = 12 * (12*768*768*50 + 2*50*50*768) + 49*3*32*32*768; printf "| %d | %.3f | %.3f | %.2f | %.2f |\n", v, a, b, a/b, 4*macs*v/a/1e9/g }'
  done
  echo
  if [ -d "$root/models/pocket-clip" ]; then echo; echo '## A 128 px pyramid step with pocket-clip, 8 views'; echo '```'; bench pyramid; echo '```'; fi
} | tee "$out"
