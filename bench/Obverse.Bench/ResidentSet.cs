using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>Resident memory over a thousand forward and backward steps, when it has settled.</summary>
internal static class ResidentSet
{
    public static void Run()
    {
        using var random = new Generator(1);
        using var weight = random.Normal(512, 512);
        using var x = random.Normal(64, 512);
        weight.RequiresGrad = true;
        using var adam = new Adam([new("w", [weight], 1e-4)]);
        void Step()
        {
            using var scope = new TensorScope();
            adam.ZeroGrad();
            x.Linear(weight).Gelu().Linear(weight).Square().Mean().Backward();
            adam.Step();
        }

        double Megabytes() => File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1] is var kb ? double.Parse(kb) / 1024 : 0;
        // The first two thousand: the runtime compiles anew what is hot, and its heap grows to the size at which it first collects.
        for (var i = 0; i < 2000; i++) Step();
        Timing.Print("rss_after_2000_steps_mb", Megabytes());
        for (var i = 0; i < 1000; i++) Step();
        Timing.Print("rss_after_3000_steps_mb", Megabytes());
        Timing.Print("live_tensors", Tensor.Live);
    }
}
