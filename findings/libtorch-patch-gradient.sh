#!/usr/bin/env bash
# libtorch-cpu-linux-x64 2.10.0 (oneDNN inside), Linux x64, processors with AVX-512. The input gradient of a convolution whose kernels lie side by side
# (stride = kernel size: the patch embedding of every vision transformer).
# Guess:   it takes about as long as the convolution itself, or as the same numbers computed as one matrix product: all three do the same multiplications.
# Seen:    forward the convolution takes up to twice the time of the product, backwards to the input fifteen to twenty times (4 pictures of 224 px, 32 x 32 patches to 768
#          channels, one thread: 14 and 7 ms, 140 and 9 ms; 16 x 16 and 14 x 14 patches: about ten times). That was an eighth of ViT-B/32's forward and backward pass.
#          The time goes to oneDNN's brgemm_convolution_bwd_strided. Training the network alone never asks for this gradient.
# Obverse: src/Obverse.Models/Clip/PatchEmbedding.cs computes the product.
set -euo pipefail
grep -qm1 '^flags.* avx512f' /proc/cpuinfo || { echo "this processor has no AVX-512, for which it was seen: nothing to check"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > finding.csproj <<'XML'
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
XML
cat > Program.cs <<'CS'
using System;
using System.Linq;
using System.Runtime.InteropServices;

unsafe
{
    const int n = 4, side = 224, p = 32, width = 768, grid = side / p, places = n * grid * grid, pixels = 3 * p * p;
    var random = new Random(1);
    nint images = Of(n, 3, side, side), kernels = Of(width, 3, p, p), above = Of(n, width, grid, grid), rows = Of(places, width), matrix = Of(width, pixels), product = Of(places, pixels);
    foreach (var tensor in new[] { (images, n * 3 * side * side), (kernels, width * pixels), (above, places * width) }) for (var i = 0; i < tensor.Item2; i++) Data(tensor.Item1)[i] = random.NextSingle() - 0.5f;
    for (var i = 0; i < width * pixels; i++) Data(matrix)[i] = Data(kernels)[i];
    for (var place = 0; place < places; place++) for (var c = 0; c < width; c++) Data(rows)[place * width + c] = Data(above)[(place / (grid * grid) * width + c) * grid * grid + place % (grid * grid)];

    long* step = stackalloc long[] { p, p }, none = stackalloc long[] { 0, 0 }, one = stackalloc long[] { 1, 1 };
    int* inputOnly = stackalloc int[] { 1, 0, 0 };
    nint found = 0;
    var forward = Seconds(() =>
    {
        nint y;
        Check(C.aoti_torch_cpu_convolution(images, kernels, null, step, 2, none, 2, one, 2, 0, none, 2, 1, &y));
        C.aoti_torch_delete_tensor_object(y);
    });
    var backward = Seconds(() =>
    {
        if (found != 0) C.aoti_torch_delete_tensor_object(found);
        nint first, second, third;
        Check(C.aoti_torch_cpu_convolution_backward(above, images, kernels, null, 0, step, 2, none, 2, one, 2, 0, none, 2, 1, inputOnly, 3, &first, &second, &third));
        found = first;
    });
    var multiplied = Seconds(() => Check(C.aoti_torch_cpu_mm_out(product, rows, matrix)));

    // The same numbers: row (picture, y, x) of the product holds the patch's [3, p, p].
    double off = 0;
    for (var place = 0; place < places; place++)
    for (var at = 0; at < pixels; at++)
    {
        int picture = place / (grid * grid), y = place % (grid * grid) / grid * p + at / p % p, x = place % grid * p + at % p;
        off = Math.Max(off, Math.Abs(Data(product)[place * pixels + at] - Data(found)[((picture * 3 + at / (p * p)) * side + y) * side + x]));
    }

    Console.WriteLine(FormattableString.Invariant($"convolution forward {1e3 * forward:0.0} ms, its input gradient {1e3 * backward:0.0} ms, one product {1e3 * multiplied:0.0} ms; largest difference {off:g2}"));
    return off < 1e-3 && backward > 4 * multiplied && backward > 3 * forward ? 0 : 1;

    static nint Of(params long[] shape)
    {
        var strides = new long[shape.Length];
        for (var i = shape.Length - 1; i >= 0; i--) strides[i] = i == shape.Length - 1 ? 1 : strides[i + 1] * shape[i + 1];
        nint tensor;
        fixed (long* sizes = shape, steps = strides) Check(C.aoti_torch_empty_strided(shape.Length, sizes, steps, dtype: 6, device: 0, index: 0, &tensor));
        return tensor;
    }

    static float* Data(nint tensor)
    {
        void* data;
        Check(C.aoti_torch_get_data_ptr(tensor, &data));
        return (float*)data;
    }

    static void Check(int status)
    {
        if (status != 0) throw new InvalidOperationException("libtorch refused");
    }

    static double Seconds(Action body)
    {
        body();
        return Enumerable.Range(0, 9).Min(_ =>
        {
            var before = Environment.CpuUsage.TotalTime;
            body();
            return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        });
    }
}

static unsafe class C
{
    const string Cpu = "torch_cpu";
    [DllImport(Cpu)] public static extern int aoti_torch_empty_strided(long dims, long* sizes, long* strides, int dtype, int device, int index, nint* made);
    [DllImport(Cpu)] public static extern int aoti_torch_get_data_ptr(nint tensor, void** data);
    [DllImport(Cpu)] public static extern int aoti_torch_delete_tensor_object(nint tensor);
    [DllImport(Cpu)] public static extern int aoti_torch_cpu_mm_out(nint made, nint a, nint b);
    [DllImport(Cpu)] public static extern int aoti_torch_cpu_convolution(nint x, nint kernels, nint* bias, long* stride, long a, long* padding, long b, long* dilation, long c, int transposed, long* more, long d, long groups, nint* made);
    [DllImport(Cpu)] public static extern int aoti_torch_cpu_convolution_backward(nint above, nint x, nint kernels, long** biasSizes, long e, long* stride, long a, long* padding, long b, long* dilation, long c, int transposed, long* more, long d, long groups, int* mask, long f, nint* first, nint* second, nint* third);
}
CS
dotnet build -c Release -v quiet --nologo >build.log 2>&1 || { cat build.log; exit 1; }
OMP_NUM_THREADS=1 dotnet bin/Release/net10.0/linux-x64/finding.dll || { echo "CHANGED: the input gradient of the convolution is no longer 4 times as long as the product"; exit 1; }
echo "as seen before"
