using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>The machine's peak as libtorch reaches it: a large float32 matrix product, GFLOP/s.</summary>
internal static class Gemm
{
    public static void Run()
    {
        using var still = new NoGrad();
        using var random = new Generator(1);
        const int n = 2048;
        using var a = random.Normal(n, n);
        using var b = random.Normal(n, n);
        var seconds = Timing.Median(9, () =>
        {
            using var c = a.Matmul(b);
        });
        Timing.Print("gemm_gflops", 2.0 * n * n * n / seconds / 1e9);
    }
}
