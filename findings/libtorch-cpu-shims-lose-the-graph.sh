#!/usr/bin/env bash
# libtorch-cpu-linux-x64 2.10.0, Linux x64. Some of the C functions aoti_torch_cpu_* drop the autograd graph without a word.
# Guess:   they are ATen's operators for C callers: of a tensor that requires gradients, all give one that does too (or all do not).
# Seen:    with grad mode on and status 0, mul_Tensor, add_Tensor and cumsum give results that require none; mul_Scalar and permute keep
#          the graph; abs is an error ("functions with out=... arguments don't support automatic differentiation").
#          The name does not tell which. By the stacks of their errors, mul_Tensor calls at::cpu::mul, below autograd, and abs
#          at::compositeexplicitautograd::abs, which calls operators. aoti_torch_aten_subtract_Tensor and torch_call_dispatcher
#          keep the graph.
# Obverse: src/Obverse.Torch calls operators through the dispatcher (Op.cs), and one by its own function,
#          aoti_torch_aten_subtract_Tensor (C.cs), for a + b times a number; it calls no aoti_torch_cpu_*. Nothing would fail with
#          aoti_torch_cpu_mul_Tensor: part of a loss would have no gradient, and the canvas would not follow it.
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
    nint a, made, first, second;
    long one = 1, zero = 0;
    C.aoti_torch_empty_strided(1, &one, &one, dtype: 6, device: 0, index: 0, &a);   // one float on the CPU
    C.torch_set_requires_grad(a, 1);
    Console.WriteLine($"grad mode {(C.aoti_torch_grad_mode_is_enabled() != 0 ? "on" : "off")}");
    Say("the tensor given", 0, a);
    Say("aoti_torch_cpu_mul_Tensor", C.aoti_torch_cpu_mul_Tensor(a, a, &made), made);
    Say("aoti_torch_cpu_add_Tensor", C.aoti_torch_cpu_add_Tensor(a, a, 1, &made), made);
    Say("aoti_torch_cpu_cumsum", C.aoti_torch_cpu_cumsum(a, 0, null, &made), made);
    Say("aoti_torch_cpu_mul_Scalar", C.aoti_torch_cpu_mul_Scalar(a, 2, &made), made);
    Say("aoti_torch_cpu_permute", C.aoti_torch_cpu_permute(a, &zero, 1, &made), made);
    Say("aoti_torch_cpu_abs", C.aoti_torch_cpu_abs(a, &made), made);
    Say("aoti_torch_aten_subtract_Tensor", C.aoti_torch_aten_subtract_Tensor(a, a, 1, &made), made);
    C.aoti_torch_new_tensor_handle(a, &first);   // the dispatcher consumes its arguments
    C.aoti_torch_new_tensor_handle(a, &second);
    var stack = stackalloc ulong[] { (ulong)first, (ulong)second };
    fixed (byte* name = "aten::mul\0"u8, overload = "Tensor\0"u8)
        Say("torch_call_dispatcher aten::mul", C.torch_call_dispatcher(name, overload, stack, 2UL << 56 | 10UL << 48), (nint)stack[0]);

    // A TensorImpl* is the first word behind a handle.
    static void Say(string what, int status, nint handle) => Console.WriteLine($"{what}: {(status != 0 ? "error" : C.RequiresGrad(*(nint*)handle) != 0 ? "graph" : "NO GRAPH")}");
}

static unsafe class C
{
    const string Cpu = "torch_cpu";
    [DllImport(Cpu)] public static extern int aoti_torch_empty_strided(long dims, long* sizes, long* strides, int dtype, int device, int index, nint* made);
    [DllImport(Cpu)] public static extern int torch_set_requires_grad(nint tensor, byte on);
    [DllImport(Cpu)] public static extern byte aoti_torch_grad_mode_is_enabled();
    [DllImport(Cpu)] public static extern int aoti_torch_new_tensor_handle(nint tensor, nint* made);
    [DllImport(Cpu)] public static extern int aoti_torch_cpu_mul_Tensor(nint a, nint b, nint* made);
    [DllImport(Cpu)] public static extern int aoti_torch_cpu_add_Tensor(nint a, nint b, double alpha, nint* made);
    [DllImport(Cpu)] public static extern int aoti_torch_cpu_cumsum(nint a, long dim, int* dtype, nint* made);
    [DllImport(Cpu)] public static extern int aoti_torch_cpu_mul_Scalar(nint a, double b, nint* made);
    [DllImport(Cpu)] public static extern int aoti_torch_cpu_permute(nint a, long* dims, long count, nint* made);
    [DllImport(Cpu)] public static extern int aoti_torch_cpu_abs(nint a, nint* made);
    [DllImport(Cpu)] public static extern int aoti_torch_aten_subtract_Tensor(nint a, nint b, double alpha, nint* made);
    [DllImport(Cpu)] public static extern int torch_call_dispatcher(byte* name, byte* overload, ulong* stack, ulong version);
    [DllImport("c10", EntryPoint = "_ZNK3c1010TensorImpl13requires_gradEv")] public static extern byte RequiresGrad(nint impl);
}
END
cat > expected <<'END'
grad mode on
the tensor given: graph
aoti_torch_cpu_mul_Tensor: NO GRAPH
aoti_torch_cpu_add_Tensor: NO GRAPH
aoti_torch_cpu_cumsum: NO GRAPH
aoti_torch_cpu_mul_Scalar: graph
aoti_torch_cpu_permute: graph
aoti_torch_cpu_abs: error
aoti_torch_aten_subtract_Tensor: graph
torch_call_dispatcher aten::mul: graph
END
dotnet build --nologo -v quiet -o out > build.log || { cat build.log >&2; exit 2; }
echo "libtorch-cpu-linux-x64 2.10.0"
echo "guess: every function's result requires gradients, as its argument does"
dotnet out/finding.dll 2> stderr | tee seen || { cat stderr >&2; exit 1; }
diff expected seen && echo "as described" || { echo "CHANGED: see the lines marked < (described) and > (seen)"; exit 1; }
