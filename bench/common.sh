# Sourced by the scripts that run Obverse.Bench: builds it, and what the measurements share. Speaks on stderr only. `$here` is this folder.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../tools/setup.sh"
mkdir -p "$here/results"
need_sdk
build_managed bench/Obverse.Bench bench src bench
python=$here/python.sh

bench() { dotnet "$here/Obverse.Bench/bin/Release/net10.0/Obverse.Bench.dll" "$@"; }
value() { awk -v k="$1" '$1==k{print $2}'; }
median() { printf '%s\n' "$@" | sort -g | sed -n "$(( ($# + 1) / 2 ))p"; }

# python_has torch|scipy: installed where it is missing (Debian, root); fails where it cannot be.
python_has() { "$python" -c "import $1" 2>/dev/null || { apt-get update -qq && apt-get install -y --no-install-recommends "python3-$1" libopenblas0-openmp; } >/dev/null 2>&1 || { say "python3-$1 is not here and could not be installed"; return 1; }; }

# machine THREADS: what stands over a table.
machine() {
  echo "$(nproc --all) cores ($(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)), $1 threads, load $(cut -d' ' -f1 /proc/loadavg), $(date +%F). Python's libtorch: $("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null || echo none)."
}
