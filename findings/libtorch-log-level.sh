#!/usr/bin/env bash
# libtorch-cpu-linux-x64 2.10.0, Linux x64. TORCH_CPP_LOG_LEVEL does nothing in a program that is not Python.
# Guess:   the C functions return a code for an error they caught, and the variable, set before the process starts, decides what is logged.
# Seen:    every caught error is printed to stderr with a stack of addresses, beside the code. TORCH_CPP_LOG_LEVEL=FATAL changes nothing;
#          after c10::initLogging() (exported by libc10.so as _ZN3c1011initLoggingEv) the same variable silences it. initLogging alone
#          does not. Python's torch calls it at import; nobody calls it for a C caller, and no C function does.
# Obverse: a user would meet it as a page of addresses before each of our own messages. src/Obverse.Torch/Native/LibTorch.cs (Quieten)
#          sets the variable by setenv, where native code reads it, unless the user has, and calls initLogging; the TorchException
#          names the operator, types and shapes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > finding.csproj <<'END'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <RuntimeIdentifier>linux-x64</RuntimeIdentifier>
    <SelfContained>false</SelfContained>
    <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
    <CreateSymbolicLinksForCopyLocalIfPossible>true</CreateSymbolicLinksForCopyLocalIfPossible>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="libtorch-cpu-linux-x64" Version="[2.10.0]" /></ItemGroup>
</Project>
END
cat > Program.cs <<'END'
using System;
using System.Runtime.InteropServices;
unsafe
{
    if (args is ["initLogging"]) C.InitLogging();
    // A product of matrices that do not fit: [2, 3] and [4, 5].
    nint a, b;
    fixed (long* size = new long[] { 2, 3, 4, 5 }, stride = new long[] { 3, 1, 5, 1 })
    {
        C.aoti_torch_empty_strided(2, size, stride, dtype: 6, device: 0, index: 0, &a);
        C.aoti_torch_empty_strided(2, size + 2, stride + 2, dtype: 6, device: 0, index: 0, &b);
    }

    var stack = stackalloc ulong[] { (ulong)a, (ulong)b };
    fixed (byte* name = "aten::mm\0"u8, overload = "\0"u8) Console.Write($"code {C.torch_call_dispatcher(name, overload, stack, 2UL << 56 | 10UL << 48)}");
}

static unsafe class C
{
    [DllImport("torch_cpu")] public static extern int aoti_torch_empty_strided(long dims, long* sizes, long* strides, int dtype, int device, int index, nint* made);
    [DllImport("torch_cpu")] public static extern int torch_call_dispatcher(byte* name, byte* overload, ulong* stack, ulong version);
    [DllImport("c10", EntryPoint = "_ZN3c1011initLoggingEv")] public static extern void InitLogging();
}
END
cat > expected <<'END'
plain: code 1, printed: the message and a stack
the variable: code 1, printed: the message and a stack
initLogging: code 1, printed: the message and a stack
the variable and initLogging: code 1, printed: nothing
END
dotnet build --nologo -v quiet -o out > build.log || { cat build.log >&2; exit 2; }
unset TORCH_CPP_LOG_LEVEL
run() {   # what it is, then the command
    local code printed
    code=$("${@:2}" 2> stderr)
    if [ ! -s stderr ]; then printed=nothing
    elif grep -q 'shapes cannot be multiplied (2x3 and 4x5)' stderr && grep -q '^frame #0: .*0x' stderr; then printed="the message and a stack"
    else printed="something else: $(head -n 1 stderr)"; fi
    echo "$1: $code, printed: $printed"
}
echo "libtorch-cpu-linux-x64 2.10.0"
echo "guess: with TORCH_CPP_LOG_LEVEL=FATAL in the environment nothing is printed"
{
    run "plain" dotnet out/finding.dll
    run "the variable" env TORCH_CPP_LOG_LEVEL=FATAL dotnet out/finding.dll
    run "initLogging" dotnet out/finding.dll initLogging
    run "the variable and initLogging" env TORCH_CPP_LOG_LEVEL=FATAL dotnet out/finding.dll initLogging
} | tee seen
diff expected seen && echo "as described" || { echo "CHANGED: see the lines marked < (described) and > (seen)"; exit 1; }
