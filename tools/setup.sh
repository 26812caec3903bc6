# Sourced by ./obverse and ./test.sh: what the machine needs, and the incremental build. Speaks on stderr only.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
triplet=$(uname -m)-linux-gnu

say() { printf 'obverse: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# One BLAS that shares libtorch's OpenMP threads: Debian's default (pthread) fights with them (2.2 times slower: bench/results).
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
if [ -d "/usr/lib/$triplet/openblas-openmp" ]; then
  export LD_LIBRARY_PATH="/usr/lib/$triplet/openblas-openmp${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
# Debian 12's OpenBLAS knows processors by the number of their model, and gives those made since kernels of the SSE days (a 2048³ product on an Emerald Rapids core: 22 for 119 GFLOP/s).
if [ -z "${OPENBLAS_CORETYPE:-}" ] && grep -qsm1 GenuineIntel /proc/cpuinfo; then
  if grep -qm1 '^flags.* avx512bw' /proc/cpuinfo; then export OPENBLAS_CORETYPE=SkylakeX
  elif grep -qm1 '^flags.* avx2' /proc/cpuinfo; then export OPENBLAS_CORETYPE=Haswell; fi
fi
# Memory of one step is kept for the next: glibc would hand it back and fault it in anew (a pyramid step 14 to 30 % slower: bench/results).
export MALLOC_TRIM_THRESHOLD_=${MALLOC_TRIM_THRESHOLD_:-8000000000} MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_:-33554432}
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
export DOTNET_TieredPGO=0

packages() {
  [ -n "${LIBTORCH:-}" ] || echo libtorch-dev # else a libtorch of the user's own
  echo libopenblas0-openmp libfaiss-dev libturbojpeg0 libwebp7 cmake g++ make
}

install_packages() {
  command -v dpkg-query >/dev/null || stop "this is not a Debian-like system; install libtorch, OpenBLAS (OpenMP), libturbojpeg, libpng, libwebp, cmake and g++ yourself, and set LIBTORCH=DIR"
  local missing=() name
  for name in $(packages); do
    # what is installed by another road (a vendor's cmake or g++) counts
    case $name in cmake | g++ | make) command -v "$name" >/dev/null && continue ;; esac
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    say "these Debian packages are missing; install them, then call again:"
    printf '  sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n' "${missing[*]}" >&2
    exit 1
  fi
  say "installing ${missing[*]} (once; libtorch is about 160 MB) …"
  local log
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    stop "apt-get failed; its whole output is in $log"
  fi
  rm -f "$log"
}

need_sdk() {
  local have
  have=$(dotnet --list-sdks 2>/dev/null | cut -d. -f1 | sort -n | tail -n 1)
  if [ "${have:-0}" -lt 10 ]; then
    say "the .NET SDK 10 is needed${have:+, version $have is here}; the vendor's install line is:"
    printf '  curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0 && export PATH="$HOME/.dotnet:$PATH"\n' >&2
    exit 1
  fi
}

# Debian's FAISS is a static archive; the linker takes our distance kernels for its own (native/obverse_faiss).
build_faiss() {
  local made=$root/.build/libobverse_faiss.so log=$root/.build/faiss.log source=$root/native/obverse_faiss/obverse_faiss.cpp
  if [ -f "$made" ] && [ "$made" -nt "$source" ]; then return; fi
  g++ -O2 -fPIC -shared -std=c++17 -fopenmp -fvisibility=hidden "$source" -o "$made.tmp" -Wl,-z,muldefs -lfaiss -lblas -llapack >"$log" 2>&1 || { tail -n 20 "$log" >&2; stop "the FAISS wrapper did not build; the whole output is in $log"; }
  mv "$made.tmp" "$made"
}

build_native() {
  mkdir -p "$root/.build" 2>/dev/null && [ -w "$root/.build" ] || stop "cannot write to $root: build it as the user that owns it, or copy it to a folder of yours"
  build_faiss
  local stamp=$root/.build/libobverse_torch.so
  if [ -f "$stamp" ] && [ -z "$(find "$root/native" -newer "$stamp" -type f -print -quit)" ]; then return; fi
  say "building the libtorch shim (once) …"
  if [ -n "${LIBTORCH:-}" ]; then
    # Straight to g++: a CUDA libtorch's CMake config would demand a CUDA toolkit that the shim does not use.
    local cuda=; [ -e "$LIBTORCH/lib/libtorch_cuda.so" ] && cuda=-ltorch_cuda
    g++ -O3 -fno-trapping-math -fno-math-errno -fPIC -shared -std=c++17 -fopenmp -fvisibility=hidden "$root/native/obverse_torch/obverse_torch.cpp" -o "$stamp.tmp" -I"$LIBTORCH/include" -I"$LIBTORCH/include/torch/csrc/api/include" \
      -L"$LIBTORCH/lib" -Wl,--no-as-needed -ltorch -ltorch_cpu $cuda -lc10 -Wl,-rpath,"$LIBTORCH/lib" >&2 || stop "the shim did not build against LIBTORCH=$LIBTORCH"
    mv "$stamp.tmp" "$stamp"
  else
    local log=$root/.build/native.log
    if ! { cmake -S "$root/native/obverse_torch" -B "$root/.build" -DCMAKE_BUILD_TYPE=Release && cmake --build "$root/.build"; } >"$log" 2>&1; then
      tail -n 20 "$log" >&2
      stop "the shim did not build; the whole output is in $log"
    fi
    touch "$stamp"
  fi
}

# build PROJECT STAMP DIRS…: only where a source is newer than the last build.
build_managed() {
  local project=$1 stamp=$root/.build/$2 log=$root/.build/$2.log
  shift 2
  if [ -f "$stamp" ] && [ -z "$(cd "$root" && find "$@" Directory.Build.props Directory.Packages.props -newer "$stamp" -type f -not -path '*/obj/*' -not -path '*/bin/*' -print -quit)" ]; then return; fi
  say "building $project …"
  local now
  now=$(mktemp -p "$root/.build")
  if ! dotnet build "$root/$project" -c Release -v quiet --nologo >"$log" 2>&1 </dev/null; then
    grep -E 'error|warn' "$log" | sort -u | head -n 20 >&2
    stop "the build failed; the whole output is in $log"
  fi
  mv "$now" "$stamp"
}
