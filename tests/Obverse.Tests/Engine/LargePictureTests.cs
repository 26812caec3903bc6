using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Tests.Commands;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>Large and long pictures: rendered in bands, reckoned before they are drawn.</summary>
[Collection("command line")]
public class LargePictureTests
{
    public static TheoryData<string> Plans => ["finer", "pyramid", "pyramid with a margin"];

    private static Canvas Drawn(string plan)
    {
        using var random = new Generator(4);
        CanvasPlan made = plan switch { "finer" => Inr.Finer(hidden: 2, width: 16), "pyramid" => new Pyramid(Levels: 5, NaturalColours: 0.6, Falloff: 0.3), _ => new Pyramid(Levels: 4, Margin: 0.25) };
        var canvas = made.Create(1, 24, 32, random);
        if (plan == "finer") return canvas;
        using var still = new NoGrad();
        using var scope = new TensorScope();
        foreach (var level in canvas.Groups.SelectMany(group => group.Parameters)) level.CopyInPlace(random.Normal(level.Shape));
        return canvas;
    }

    [Theory]
    [MemberData(nameof(Plans))]
    public void Bands_of_rows_are_the_picture(string plan)
    {
        using var canvas = Drawn(plan);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var whole = canvas.Show(150, 200);
        var bands = Tensor.Cat([.. new[] { (0, 1), (1, 70), (71, 79) }.Select(rows => canvas.ShowRows(150, 200, rows.Item1, rows.Item2)!)], 2);
        Assert.Equal(whole.Shape, bands.Shape);
        Assert.InRange((whole - bands).Abs().Max().Item(), 0, 2e-5);
    }

    [Fact]
    public void Under_a_mask_too()
    {
        using var random = new Generator(2);
        using var canvas = new MaskedCanvas(Drawn("pyramid"), Tensor.Owned(() => random.Uniform(0, 1, 1, 1, 24, 32)), Tensor.Owned(() => random.Uniform(0, 1, 1, 3, 24, 32)));
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var (whole, band) = (canvas.Show(96, 128), canvas.ShowRows(96, 128, 10, 60)!);
        Assert.InRange((whole.Narrow(2, 10, 60) - band).Abs().Mean().Item(), 0, 0.02); // the background's bicubic kernel is another
    }

    [Theory]
    [MemberData(nameof(Plans))]
    public void A_picture_of_bands_is_the_picture(string plan)
    {
        using var canvas = Drawn(plan);
        var own = (24L, 32L);
        var (whole, bands) = (CanvasPictures.ToPicture(canvas, 150, 200, own, long.MaxValue, 1, default), CanvasPictures.ToPicture(canvas, 150, 200, own, most: 0, bandPixels: 1000, default));
        Assert.InRange(Enumerable.Range(0, whole.Rgb.Length).Max(i => Math.Abs(whole.Rgb[i] - bands.Rgb[i])), 0, 1);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => CanvasPictures.ToPicture(canvas, 150, 200, own, 0, 1000, stop.Token));
    }

    [Fact]
    public void A_canvas_without_bands_is_enlarged_as_a_picture()
    {
        using var random = new Generator(4);
        using var canvas = new Pixels().Create(1, 24, 32, random);
        var large = CanvasPictures.ToPicture(canvas, 96, 128, (24, 32), most: 0, bandPixels: 1000, default);
        Assert.Equal(canvas.ToPicture(24, 32, (24, 32)).Resize(128, 96).Rgb, large.Rgb);
    }

    [Fact]
    public void A_png_written_row_by_row_has_the_bytes_of_one_made_in_memory()
    {
        using var program = new Commands.Program();
        using var random = new Generator(6);
        var picture = new Picture(37, 21, [.. Enumerable.Range(0, 37 * 21 * 3).Select(i => (byte)(i * 7 + i / 50))], [.. Enumerable.Range(0, 37 * 21).Select(i => (byte)i)]);
        foreach (var one in new[] { picture, picture.WithoutAlpha() })
        {
            KeyValuePair<string, string>[] texts = [new("a", "plain"), new("b", "é")];
            one.Save(program["a.png"], text: texts);
            Assert.Equal(PngText.Add(one.EncodePng(), texts), program.Bytes("a.png"));
            Assert.Equal(one.Rgb, Picture.Load(program["a.png"]).Rgb);
            Assert.Equal(texts, PngText.Read(program["a.png"]));
        }
    }

    [Theory]
    [InlineData("--size", "8192", "GB (canvas", "--size ")]
    [InlineData("--width", "8192", "would fit", "OBVERSE_MEMORY=")]
    [InlineData("--views", "1024", "--views ", "the limit is 2.0 GB")]
    public void A_step_of_many_gigabytes_is_refused_with_what_fits(string option, string value, params string[] said)
    {
        using var program = new Commands.Program();
        string[] rest = option == "--views" ? ["--size", "256"] : option == "--width" ? ["--height", "2048"] : [];
        string[] ask = ["invert", "a cat", "--model", program.Model, "--recipe", "pyramid", "--steps", "1", option, value, .. rest, "-o", program["cat.png"]];
        var refused = program.Run(ask);
        Assert.Equal(2, refused.Code);
        foreach (var part in said) Assert.Contains(part, refused.Error, StringComparison.Ordinal);
        Assert.Empty(program.Files);
    }

    [Fact]
    public void Another_limit_may_be_set()
    {
        using var program = new Commands.Program();
        string[] ask = ["invert", "a cat", "--model", program.Model, "--recipe", "pyramid", "--steps", "1", "--views", "1", "--size", "128", "-o", program["cat.png"]];
        try
        {
            Environment.SetEnvironmentVariable("OBVERSE_MEMORY", "0.452GB");
            Assert.Contains("the limit is 452 MB: --size ", program.Run(ask).Error, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("OBVERSE_MEMORY", null);
        }

        Assert.Equal(0, program.Run(ask).Code);
    }

    [Fact]
    public void Views_of_an_objective_count_in_the_memory_of_a_step()
    {
        using var scope = new TensorScope();
        using var clip = ToyClip.Load();
        var one = Recipes.Named("pyramid", Quality.Draft, 64, 64);
        var both = one with { Objective = one.Objective + 2 * one.Objective.Through(Views.Of(64).Scale(0.8, 1.2)) };
        Assert.Equal(64, Assert.Single(both.Objective.OwnViews).Count);
        var (least, most) = (StepMemory.Of(one, [clip], 64, 64), StepMemory.Of(both, [clip], 64, 64));
        Assert.Equal(64.0 * 64 * 64 * 48, most.Views - least.Views, 1.0); // views, pixels, bytes a pixel
        Assert.Equal(least.Canvas, most.Canvas);
    }

    [Theory]
    [InlineData("clipag", Quality.Normal, true)]
    [InlineData("clipag", Quality.Draft, false)]
    [InlineData("implicit-blend", Quality.Normal, false)]
    public void Large_blocks_are_kept_for_steps_of_many_views(string recipe, Quality quality, bool keeps)
    {
        using var clip = ClipEncoder.Load("pocket-clipag");
        Assert.Equal(keeps, StepMemory.Of(Recipes.Named(recipe, quality, 128, 128), [clip], 128, 128).Total >= MemoryLimit.LargeStep);
    }
}
