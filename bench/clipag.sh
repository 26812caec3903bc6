#!/usr/bin/env bash
# A CLIPDraw step (256 strokes, 224 px, 4 views) and a VQGAN+CLIP step (f16, 256 px, 32 cutouts) with ViT-B/32, random weights, against the same loops in plain Python on python3-torch, in turns in one run.
# bench/clipag.sh [ROUNDS [STEPS]] writes bench/results/DATE-clipag.md. OMP_NUM_THREADS; ONLY="clipdraw". Debian's python3-torch is installed where it is missing (root).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
rounds=${1:-3} steps=${2:-5}
python_has torch
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)}
{
  echo "# Steps of CLIPDraw and VQGAN+CLIP, $(date +%F)"
  echo
  echo "$(machine "$OMP_NUM_THREADS") $rounds rounds of $steps steps, who begins changes. Medians; the ratio is that of the rounds, its least and most in brackets."
  echo; echo '256 strokes at 224 px, the rasteriser alone, forward and backward:'; echo '```'; bench strokes; echo '```'
  echo; echo '| step | Obverse s | Python s | ratio | Obverse peak MB | Python peak MB |'; echo '|---|---|---|---|---|---|'
  for which in ${ONLY:-clipdraw vqgan}; do
    declare -A seconds=() peak=()
    for round in $(seq "$rounds"); do
      order=(auto fp32 python); [ $((round % 2)) = 1 ] || order=(python fp32 auto)
      for who in "${order[@]}"; do
        if [ "$who" = python ]; then result=$($python "$here/clipag.py" "$which" "$steps"); else result=$(bench "$which" "$steps" "$who"); fi
        seconds[$who]+=" $(value seconds <<<"$result")" peak[$who]+=" $(value peak_mb <<<"$result")"
      done
    done
    for who in auto fp32; do
      # shellcheck disable=SC2086
      echo "$which $who $(median ${seconds[$who]}) $(median ${seconds[python]}) $(median ${peak[$who]}) $(median ${peak[python]}) ${seconds[$who]} ${seconds[python]}" | awk -v n="$rounds" '{
        low = 1e9; high = 0
        for (i = 1; i <= n; i++) { r = $(6 + i) / $(6 + n + i); ratios[i] = r; if (r < low) low = r; if (r > high) high = r }
        for (i = 2; i <= n; i++) for (j = i; j > 1 && ratios[j - 1] > ratios[j]; j--) { t = ratios[j]; ratios[j] = ratios[j - 1]; ratios[j - 1] = t }
        middle = n % 2 ? ratios[(n + 1) / 2] : (ratios[n / 2] + ratios[n / 2 + 1]) / 2
        printf "| %s, encoder %s | %.3f | %.3f | %.2f (%.2f … %.2f) | %.0f | %.0f |\n", $1, $2 == "auto" ? "as the processor allows" : "fp32", $3, $4, middle, low, high, $5, $6 }'
    done
    unset seconds peak
  done
} | tee "$here/results/$(date +%F)-clipag.md"
