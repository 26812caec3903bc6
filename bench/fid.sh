#!/usr/bin/env bash
# FID's linear algebra against scipy's sqrtm (pytorch-fid's road), in turns in one run; and `eval`'s features of many pictures, pictures a second and peak memory. Writes bench/results/DATE-fid.md.
# bench/fid.sh [WIDTH [TURNS]]; THREADS=1; STREAM="1000 10000" pictures, or STREAM= for none; ROADS="exact" (also sqrtm, eigenvalues).
# Debian's python3-scipy is installed where it is missing (root); without it nothing is compared, and that is said.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
width=${1:-2048} turns=${2:-3} stream=${STREAM-1000 10000}
export OMP_NUM_THREADS=${THREADS:-1} OPENBLAS_NUM_THREADS=${THREADS:-1} MKL_NUM_THREADS=${THREADS:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python_has scipy || true
{
  echo "# FID's linear algebra and streaming, $(date +%F)"
  echo
  machine "$OMP_NUM_THREADS"
  echo
  bench frechet-write "$width" $(( width * 5 / 2 )) "$work"
  scipy=$($python -c 'import numpy, scipy; print(f"scipy {scipy.__version__}, numpy {numpy.__version__}")' 2>/dev/null || true)
  if [ -z "$scipy" ]; then echo "python3-scipy is not here and could not be installed: nothing to compare with."; else
    # Files exchange: numpy reads ours, and we read what numpy wrote of it.
    $python -c 'import sys, numpy as np
for name in sys.argv[1:]:
    with np.load(name) as f: np.savez(name, mu=f["mu"], sigma=f["sigma"])' "$work/a.npz" "$work/b.npz"
    echo "$width features, covariances of $(( width * 5 / 2 )) rows, $turns turns; $scipy (sqrtm). Medians."
    echo; echo '| road | Obverse s | scipy s | ratio | difference of the distance |'; echo '|---|---|---|---|---|'
    for root in ${ROADS:-exact}; do
      ours=(); theirs=()
      for turn in $(seq "$turns"); do
        # who begins changes with the turn
        for who in $( [ $((turn % 2)) = 1 ] && echo us them || echo them us ); do
          if [ $who = us ]; then one=$(bench frechet "$work" $root); ours+=("$(echo "$one" | value seconds)"); else other=$($python "$here/fid.py" "$work/a.npz" "$work/b.npz"); theirs+=("$(echo "$other" | value seconds)"); fi
        done
      done
      awk -v r=$root -v a="$(median "${ours[@]}")" -v b="$(median "${theirs[@]}")" -v x="$(echo "$one" | value distance)" -v y="$(echo "$other" | value distance)" 'BEGIN { printf "| %s | %.2f | %.2f | %.2f | %.1e of %.4g |\n", r, a, b, a / b, x - y, y }'
    done
  fi
  if [ -n "$stream" ]; then
    most=$(printf '%s\n' $stream | sort -g | tail -n 1)
    bench pictures "$most" "$work/pictures"
    echo; echo "Pictures of 128 px to pocket-judge's features and their statistics, $OMP_NUM_THREADS threads:"
    echo; echo '| pictures | pictures a second | statistics s | peak MB |'; echo '|---|---|---|---|'
    for count in $stream; do
      result=$(bench stream "$work/pictures" "$count" "$OMP_NUM_THREADS")
      echo "| $count | $(echo "$result" | value pictures_per_second) | $(echo "$result" | value statistics_seconds) | $(echo "$result" | value peak_mb) |"
    done
  fi
} | tee "$here/results/$(date +%F)-fid.md"
