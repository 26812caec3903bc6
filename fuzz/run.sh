#!/usr/bin/env bash
# Damaged inputs through every reader: fuzz/run.sh TARGET…|all [--count N] [--seed S] | --replay FILE | --list
set -euo pipefail
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../tools/setup.sh"
install_packages
need_sdk
build_native
build_managed fuzz/Obverse.Fuzz fuzz src native fuzz
export OMP_NUM_THREADS=1
exec dotnet "$root/fuzz/Obverse.Fuzz/bin/Release/net10.0/Obverse.Fuzz.dll" "$@"
