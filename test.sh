#!/usr/bin/env bash
# Sets up, builds and runs all tests: ./test.sh [dotnet test arguments, e.g. --filter FullyQualifiedName~Views]
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
. "$here/tools/setup.sh"
mkdir -p "$root/.build"
install_packages
need_sdk
build_native
build_managed tests/Obverse.Tests tests src native tests
cd "$root"
exec dotnet test tests/Obverse.Tests -c Release --no-build --nologo "$@"
