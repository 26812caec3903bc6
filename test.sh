#!/usr/bin/env bash
# Sets up, builds and runs all tests: ./test.sh [dotnet test arguments, e.g. --filter FullyQualifiedName~Views]
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
. "$here/tools/setup.sh"
need_sdk
ALL_PLATFORMS=1 # the packages are tested too
build_managed tests/Obverse.Tests tests src tests fuzz samples bench
cd "$root"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
set +e
dotnet test tests/Obverse.Tests -c Release --no-build --nologo "$@" 2>&1 </dev/null | tee "$log"
status=${PIPESTATUS[0]}
# The count once more, plainly, as the last line.
sed -nE 's/^.*Failed: +([0-9]+), Passed: +([0-9]+), Skipped: +([0-9]+).*$/\2 passed, \1 failed, \3 skipped/p' "$log" | tail -n 1
exit "$status"
