using System.Diagnostics;
using System.Globalization;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>One call of Stable Diffusion's UNet: latents of 64x64, a batch of two, 77 rows of text. unet.py is the same graph in Python.</summary>
internal static class UNetStep
{
    public static void Run(string folder, int repeats, Precision precision = Precision.Auto)
    {
        using var still = new NoGrad();
        using var unet = UNet.Load(Path.Combine(folder, "unet"), precision: precision);
        using var random = new Generator(1);
        using var latents = random.Normal(2, 4, 64, 64);
        using var rows = random.Normal(2, 77, 768);
        using var time = Tensor.From([500f]);
        Timing.ResetPeak(); // loading has one of its own
        using var deep = new DeepFeatures(int.MaxValue);
        void Call(Tensor given, DeepFeatures? features = null)
        {
            using var scope = new TensorScope();
            _ = unet.Forward(given, time, rows, deep: features);
        }

        using var few = latents.Narrow(2, 0, 16).Narrow(3, 0, 16);
        Timing.Least(repeats, () => Call(few), () =>
        {
            deep.Restore(0, _ => null);
            Call(latents, deep);
        }); // the first touches every weight
        Timing.Print("peak_mb", Timing.PeakMegabytes());
        Timing.Least(1, () => { }, () => Call(latents, deep), "reused_"); // a step between two full ones (DeepCache)
    }
}
