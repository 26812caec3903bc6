using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics.X86;

namespace Obverse.Torch;

/// <summary>In what an encoder computes. Canvases, optimisers and losses are float32 whatever it is.</summary>
public enum Precision
{
    /// <summary>BFloat16 where the processor multiplies it in hardware, else float32.</summary>
    Auto,
    Float32,

    /// <summary>Eight bits of exponent and eight of mantissa: half the memory, and several times the products a second where there is hardware for it.</summary>
    BFloat16,
}

public static class Precisions
{
    /// <summary>"auto", "fp32" or "bf16".</summary>
    /// <exception cref="FormatException">Something else.</exception>
    public static Precision Parse(string text) => text switch
    {
        "auto" => Precision.Auto,
        "fp32" => Precision.Float32,
        "bf16" => Precision.BFloat16,
        _ => throw new FormatException("auto, fp32 or bf16 was wanted"),
    };

    public static string Name(this Precision precision) => precision switch { Precision.Auto => "auto", Precision.Float32 => "fp32", _ => "bf16" };

    /// <summary>What <see cref="Precision.Auto"/> is on this machine and device.</summary>
    public static Precision On(this Precision precision, Device device) => precision != Precision.Auto ? precision : device.Type == DeviceType.Cpu ? AutoOnProcessor : Precision.BFloat16;

    /// <summary>The variable that says what <see cref="Precision.Auto"/> is on the processor: fp32 or bf16.</summary>
    public const string Variable = "OBVERSE_PRECISION";

    internal static Precision AutoOnProcessor { get; set; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named && Parse(named) is var said && said != Precision.Auto ? said : Of(Processor.MultipliesBFloat16);

    internal static Precision Of(bool multipliesBFloat16) => multipliesBFloat16 ? Precision.BFloat16 : Precision.Float32;

    public static DType Type(this Precision precision) => precision == Precision.BFloat16 ? DType.BFloat16 : DType.Float32;
}

/// <summary>What the processor has for products of matrices.</summary>
public static class Processor
{
    /// <summary>AVX512-BF16: CPUID 7.1, EAX bit 5.</summary>
    public static bool HasAvx512BFloat16 { get; } = Has(7, 1, registers => registers.Eax, 5);

    /// <summary>AMX-BF16: CPUID 7.0, EDX bit 22.</summary>
    public static bool HasAmxBFloat16 { get; } = Has(7, 0, registers => registers.Edx, 22);

    /// <summary>True where bfloat16 is multiplied in hardware: elsewhere libtorch takes longer over it than over float32.</summary>
    public static bool MultipliesBFloat16 => HasAvx512BFloat16 || HasAmxBFloat16;

    /// <summary>"AVX2, AVX-512, AVX512-BF16, AMX-BF16", those that are there.</summary>
    public static string Features => string.Join(", ", new (bool Has, string Name)[] { (Avx2.IsSupported, "AVX2"), (Avx512F.IsSupported, "AVX-512"), (HasAvx512BFloat16, "AVX512-BF16"), (HasAmxBFloat16, "AMX-BF16") }.Where(f => f.Has).Select(f => f.Name));

    /// <summary>Billions of sums and products a second in a product of two [side, side] matrices, the best of a few.</summary>
    public static double Measure(DType type, int side = 1024, int repeats = 3)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var a = new Generator(1).Normal(side, side).To(type);
        var best = double.MaxValue;
        for (var i = 0; i <= repeats; i++)
        {
            var clock = Stopwatch.GetTimestamp();
            a.Matmul(a).Dispose();
            var took = Stopwatch.GetElapsedTime(clock).TotalSeconds;
            if (i > 0) best = Math.Min(best, took); // the first one warms up
        }

        return 2.0 * side * side * side / best / 1e9;
    }

    /// <summary>What was chosen for <see cref="Precision.Auto"/>, and why, with a measured product of both.</summary>
    public static string Explain()
    {
        var (plain, half) = (Measure(DType.Float32), Measure(DType.BFloat16, MultipliesBFloat16 ? 1024 : 128)); // without hardware a small one says enough, and a large one would take seconds
        return string.Create(CultureInfo.InvariantCulture, $"{Precision.Auto.On(Device.Cpu).Name()}{(Environment.GetEnvironmentVariable(Precisions.Variable) is { Length: > 0 } ? $", as {Precisions.Variable} says" : "")}: the processor has {(MultipliesBFloat16 ? "bf16 in hardware" : "no bf16 in hardware")} ({Features}); a product of matrices: fp32 {plain:0} GFLOP/s, bf16 {half:0}");
    }

    private static bool Has(int leaf, int subleaf, Func<(int Eax, int Ebx, int Ecx, int Edx), int> register, int bit) =>
        X86Base.IsSupported && X86Base.CpuId(0, 0).Eax >= leaf && (subleaf == 0 || X86Base.CpuId(leaf, 0).Eax >= subleaf) && (register(X86Base.CpuId(leaf, subleaf)) >> bit & 1) != 0;
}
