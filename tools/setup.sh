# Sourced by ./obverse and ./test.sh: the .NET SDK, and the incremental build. Speaks on stderr only.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf 'obverse: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

need_sdk() {
  local have
  have=$(dotnet --list-sdks 2>/dev/null | cut -d. -f1 | sort -n | tail -n 1)
  if [ "${have:-0}" -lt 10 ]; then
    say "the .NET SDK 10 is needed${have:+, version $have is here}; the vendor's install line is:"
    printf '  curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0 && export PATH="$HOME/.dotnet:$PATH"\n' >&2
    exit 1
  fi
}

# build_managed PROJECT STAMP DIRS…: only where a source is newer than the last build. Packages are fetched for this platform, or for all where they are tested (ALL_PLATFORMS=1).
build_managed() {
  local project=$1 stamp=$root/.build/$2 log=$root/.build/$2.log
  shift 2
  mkdir -p "$root/.build" 2>/dev/null && [ -w "$root/.build" ] || stop "cannot write to $root: build it as the user that owns it, or copy it to a folder of yours"
  if [ -f "$stamp" ] && [ -z "$(cd "$root" && find "$@" Directory.Build.props Directory.Build.targets Directory.Packages.props -newer "$stamp" -type f -not -path '*/obj/*' -not -path '*/bin/*' -print -quit)" ]; then return; fi
  say "building $project (once; the first time libtorch, SkiaSharp and others are fetched, about 300 MB) …"
  local now
  now=$(mktemp -p "$root/.build")
  if ! dotnet build "$root/$project" -c Release -v quiet --nologo -p:ObverseThisPlatformOnly="$([ "${ALL_PLATFORMS:-}" = 1 ] && echo false || echo true)" >"$log" 2>&1 </dev/null; then
    grep -E 'error|warn' "$log" | sort -u | head -n 20 >&2
    stop "the build failed; the whole output is in $log"
  fi
  mv "$now" "$stamp"
}
