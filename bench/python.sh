#!/usr/bin/env bash
# Debian's Python with torch at its best, to be compared with: bench/python.sh FILE.py [arguments].
set -euo pipefail
export OMP_WAIT_POLICY=passive MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_MMAP_THRESHOLD_=33554432
# OpenBLAS on libtorch's own OpenMP threads: Debian's default (pthread) fights with them (2.2 times slower: bench/results).
blas=/usr/lib/$(uname -m)-linux-gnu/openblas-openmp
if [ -d "$blas" ]; then export LD_LIBRARY_PATH=$blas; else echo "python.sh: without libopenblas0-openmp torch is slower than it could be" >&2; fi
# Debian 12's OpenBLAS does not know Intel's newer processors, and gives them kernels of the SSE days.
if [ -z "${OPENBLAS_CORETYPE:-}" ] && grep -qsm1 GenuineIntel /proc/cpuinfo; then
  if grep -qm1 '^flags.* avx512bw' /proc/cpuinfo; then export OPENBLAS_CORETYPE=SkylakeX
  elif grep -qm1 '^flags.* avx2' /proc/cpuinfo; then export OPENBLAS_CORETYPE=Haswell; fi
fi
exec /usr/bin/python3 "$@"
