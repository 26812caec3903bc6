#!/usr/bin/env bash
# Measures Obverse against the same loops in Python on the same libtorch, alternating in one run. Writes bench/results/DATE.md.
# Debian's python3-torch is installed where it is missing (root).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../tools/setup.sh"
mkdir -p "$root/.build" "$here/results"
install_packages; need_sdk; build_native
build_managed bench/Obverse.Bench bench src bench
python=/usr/bin/python3
$python -c 'import torch' 2>/dev/null || apt-get install -y --no-install-recommends python3-torch >/dev/null
bench() { dotnet "$here/Obverse.Bench/bin/Release/net10.0/Obverse.Bench.dll" "$@"; }
value() { awk -v k="$1" '$1==k{print $2}'; }
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)}
out=$here/results/$(date +%F).md
{
  echo "# Benchmarks of $(date +%F)"
  echo
  echo "$(nproc) cores ($(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)), OMP_NUM_THREADS=$OMP_NUM_THREADS, OMP_WAIT_POLICY=$OMP_WAIT_POLICY, libtorch $($python -c 'import torch; print(torch.__version__)'), load $(cut -d' ' -f1 /proc/loadavg) at the start."
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
  pthread=/usr/lib/$triplet/openblas-pthread
  if [ ! -d "$pthread" ] && command -v apt-get >/dev/null; then # unpacked beside, not installed: it would become the machine's choice
    mkdir -p "$root/.build/pthread"
    (cd "$root/.build/pthread" && apt-get download libopenblas0-pthread >/dev/null 2>&1 && dpkg -x libopenblas0-pthread*.deb .) || true
    pthread=$(dirname "$(find "$root/.build/pthread" -name libblas.so.3 -print -quit)" 2>/dev/null)
  fi
  if [ -d "$pthread" ]; then
    with=$(bench vit 16 | value seconds)
    without=$(OMP_WAIT_POLICY=active LD_LIBRARY_PATH=$pthread bench vit 16 | value seconds)
    awk -v a="$with" -v b="$without" 'BEGIN { printf "The launcher'"'"'s BLAS and waiting (OpenMP OpenBLAS, passive) against Debian'"'"'s default (pthread OpenBLAS, active), 16 views: %.3f s against %.3f s, %.2f times.\n", a, b, b/a }'
  else
    echo "Debian's default BLAS (libopenblas0-pthread) is not installed here, so the launcher's gain over it was not measured."
  fi
  if [ -d "$root/models/pocket-clip" ]; then echo; echo '## A 128 px pyramid step with pocket-clip, 8 views'; echo '```'; bench pyramid; echo '```'; fi
} | tee "$out"
