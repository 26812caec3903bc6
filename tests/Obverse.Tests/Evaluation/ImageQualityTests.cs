using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Evaluation;

/// <summary>PSNR, SSIM and MS-SSIM against scikit-image and torchmetrics (fixture `metrics/image_quality`).</summary>
public class ImageQualityTests
{
    public static TheoryData<string> Cases => Fixtures.Files("", "image_quality.json");

    [SkippableTheory, MemberData(nameof(Cases))]
    public void Every_case_is_within_tolerance(string path)
    {
        using var stored = new Case(path);
        var met = 0;
        foreach (var one in stored.Json.GetProperty("cases").EnumerateObject())
        {
            var pictures = one.Value.GetProperty("pictures").EnumerateArray().Select(name => Picture.Load(Fixtures.Beside(path, name.GetString()))).ToArray();
            var (a, b, wanted) = (pictures[0], pictures[1], one.Value.GetProperty("expected"));
            void Is(string name, double got, double tolerance = 1e-10)
            {
                if (!wanted.TryGetProperty(name, out var value)) return;
                Assert.True(Math.Abs(value.GetDouble() - got) <= tolerance, $"{one.Name} {name}: {got:r} for {value.GetDouble():r}");
                met++;
            }

            void Map(string name, SsimWindow window)
            {
                if (stored.Names.FirstOrDefault(n => n == $"{one.Name}.out.{name}") is not { } key) return;
                using var scope = new TensorScope();
                var shape = stored[key].Shape; // [h, w, 3]
                Assert.Equal([a.Height, a.Width, 3], shape);
                var worst = (stored[key].To(DType.Float64) - Tensor.From(ImageQuality.SsimMap(a, b, window), [.. shape])).Abs().Max().Item();
                Assert.True(worst <= 1e-10, $"{one.Name} {name}: off by {worst:g3}");
                met++;
            }

            Is("psnr", ImageQuality.Psnr(a, b));
            Is("ssim_default", ImageQuality.Ssim(a, b, SsimWindow.Uniform));
            Is("ssim_gaussian", ImageQuality.Ssim(a, b));
            Is("ssim_torchmetrics", ImageQuality.Ssim(a, b, SsimWindow.Torchmetrics));
            if (one.Value.GetProperty("settings").TryGetProperty("ms", out var scales)) Is("ms_ssim", ImageQuality.MultiScaleSsim(a, b, [.. scales.EnumerateArray().Select(w => w.GetDouble())]), 1e-8);
            Map("map_default", SsimWindow.Uniform);
            Map("map_gaussian", SsimWindow.Gaussian);
        }

        Assert.True(met > 0);
    }

    [Fact]
    public void Equal_pictures_are_perfect_and_a_step_of_one_is_48_decibels()
    {
        var grey = Flat(128);
        Assert.Equal(double.PositiveInfinity, ImageQuality.Psnr(grey, grey));
        Assert.Equal(1, ImageQuality.Ssim(grey, grey), 1e-12);
        Assert.Equal(20 * Math.Log10(255), ImageQuality.Psnr(grey, Flat(129)), 1e-9);
        // Of flat pictures only the factor of the means is left.
        double x = 128 / 255.0, y = 64 / 255.0, c1 = 1e-4;
        Assert.Equal((2 * x * y + c1) / (x * x + y * y + c1), ImageQuality.Ssim(grey, Flat(64)), 1e-9);
    }

    [Fact]
    public void Pictures_of_two_sizes_or_below_the_window_are_refused()
    {
        Assert.Contains("16x16 and 17x16", Assert.Throws<ArgumentException>(() => ImageQuality.Psnr(Flat(1), new Picture(17, 16, new byte[17 * 16 * 3]))).Message, StringComparison.Ordinal);
        var small = new Picture(9, 9, new byte[9 * 9 * 3]);
        Assert.Contains("at least 11", Assert.Throws<ArgumentException>(() => ImageQuality.Ssim(small, small)).Message, StringComparison.Ordinal);
        Assert.Equal(1, ImageQuality.Ssim(small, small, SsimWindow.Uniform), 1e-12);
        Assert.Contains("at least 176", Assert.Throws<ArgumentException>(() => ImageQuality.MultiScaleSsim(Flat(1), Flat(1))).Message, StringComparison.Ordinal);
    }

    private static Picture Flat(byte value)
    {
        var rgb = new byte[16 * 16 * 3];
        Array.Fill(rgb, value);
        return new(16, 16, rgb);
    }
}
