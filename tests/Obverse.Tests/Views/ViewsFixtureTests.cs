using System.Text.Json.Nodes;
using Obverse.Retrieval;
using Obverse.Torch;
using Xunit;
using Xunit.Abstractions;

namespace Obverse.Tests;

/// <summary>Every augmentation against the libraries and authors' code that made the fixtures: output, gradient and matrix of every case in the tree.</summary>
public class ViewsFixtureTests(ITestOutputHelper output)
{
    public static TheoryData<string, string> Cases()
    {
        var rows = new TheoryData<string, string>();
        var top = Path.Combine(Fixtures.Root, "views");
        string[] files = Directory.Exists(top) ? [.. Directory.EnumerateFiles(top, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)] : [];
        var any = false;
        foreach (var file in files.Where(file => File.Exists(Path.ChangeExtension(file, "safetensors"))))
        {
            foreach (var (name, _) in JsonNode.Parse(File.ReadAllText(file))!["cases"]!.AsObject()) rows.Add(Path.GetRelativePath(Fixtures.Root, file), name);
            any = true;
        }

        if (!any) rows.Add("views", "");
        return rows;
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void A_case_comes_out_as_recorded(string file, string name)
    {
        var path = Fixtures.Require(file);
        Skip.If(name.Length == 0, $"no fixtures in {path}");
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        using var tensors = Safetensors.Open(Path.ChangeExtension(path, "safetensors"));
        using var scope = new TensorScope();

        var config = json["config"]![name]!;
        var draws = new ViewParameters();
        foreach (var stored in tensors.Names.Where(t => t.StartsWith(name + ".draw.", StringComparison.Ordinal))) draws[stored[(name.Length + 6)..]] = tensors[stored];
        foreach (var given in tensors.Names.Where(t => t.StartsWith(name + ".in.", StringComparison.Ordinal))) draws[given[(name.Length + 1)..]] = tensors[given];

        var image = tensors[(string)config["image"]!].Clone();
        image.RequiresGrad = true;
        var wanted = tensors[$"{name}.out.image"];
        var copies = checked((int)(wanted.Size(0) / image.Size(0)));
        var (views, each, matrices) = Read((string)json["kind"]!, name, config, (string)json["cases"]![name]!, draws, image, wanted);
        var seen = views is null ? GridSample(image, draws, config) : (views with { Count = copies }).Apply(image, each);
        (seen * tensors["in.G"].Narrow(0, 0, seen.Elements).Reshape(seen.Shape)).Sum().Backward();

        Compare(seen, "out.image");
        Compare(image.Grad!, "out.grad");
        if (tensors.Contains($"{name}.out.matrix")) Compare(Matrix3.Stack(matrices!), "out.matrix");

        void Compare(Tensor got, string part)
        {
            var reference = tensors[$"{name}.{part}"];
            Assert.Equal(reference.Shape, got.Shape);
            var tolerance = (double)json["tensors"]![$"{name}.{part}"]!["tol"]!;
            var error = (got.Detach().To(DType.Float64) - reference.To(DType.Float64)).Abs().Max().Item();
            output.WriteLine($"{part}: largest difference {error:E2}, allowed {tolerance:E2} ({error / tolerance:P0})");
            Assert.True(error <= tolerance, $"{file} {name} {part}: largest difference {error:E3}, allowed {tolerance:E3}");
        }
    }

    private static readonly Func<JsonNode, string, double> Number = (config, key) => (double)config[key]!;

    // The views of a case, the draws of each, and the matrices where the case records them. No views: a bare grid_sample.
    private static (Views? Views, ViewParameters[] ViewParameters, Matrix3[]? Matrices) Read(string family, string name, JsonNode config, string function, ViewParameters draws, Tensor image, Tensor wanted)
    {
        var count = wanted.Size(0);
        var (height, width) = ((int)wanted.Size(2), (int)wanted.Size(3));
        int Whole(string key) => (int)config[key]!;
        var kind = (string?)config["kind"] ?? function.Split(' ').First(word => word.StartsWith("rand_", StringComparison.Ordinal) || word.StartsWith("DiffAugment", StringComparison.Ordinal)).Trim(',');
        var by = (string?)config["mode"] switch { "nearest" => Interpolation.Nearest, "bicubic" => Interpolation.Bicubic, _ => Interpolation.Bilinear };
        var antialias = (bool?)config["antialias"] ?? false;

        Views All(params View[] chain) => Views.Plain with { Chain = [.. chain] };
        (Views, ViewParameters[], Matrix3[]?) Same(Views views, Matrix3[]? matrices = null) => (views, [.. views.Chain.Select(_ => draws)], matrices);
        ViewParameters Part(string prefix)
        {
            var part = new ViewParameters();
            foreach (var (key, tensor) in draws.Where(d => d.Key.StartsWith(prefix + ".", StringComparison.Ordinal))) part[key[(prefix.Length + 1)..]] = tensor;
            return part;
        }

        switch (kind)
        {
            case "affine":
                var border = (string)config["padding"]! == "zeros" ? Border.Zeros : Border.Clamp;
                return Same(All(new AffineView { Border = border }), AffineView.Matrices(draws, count, image.Size(2), image.Size(3)));
            case "perspective": return Same(All(new KorniaPerspectiveView()), KorniaPerspectiveView.Matrices(draws, count));
            case "tv_perspective": return Same(Views.Plain.Perspective(0.5, Number(config, "fill")));
            case "grid_sample": return (null, [], null);
            case "roll": return Same(Views.Plain.Roll(0));
            case "das": return Same(Views.Plain.Das(Whole("pad"), Whole("size"), Number(config, "noise")));
            case "resize": return Same(All(new ResizeView { Height = height, Width = width, By = by, Antialias = antialias, AlignCorners = (bool)config["align_corners"]! }));
            case "crop" when function.Contains("RandomCrop", StringComparison.Ordinal) && height == width: return Same(Views.Plain.Patch(height, height, by, antialias));
            case "crop": return Same(All(new RandomResizedCropView { Height = height, Width = width, By = by, Antialias = antialias }));
            case "noise": return Same(Views.Plain.Noise(Number(config, "sigma")));
            case "percut": return Same(Views.Plain.VariedNoise(0.1));
            case "blur": return Same(All(new BlurView { Sigma = new(Number(config, "sigma"), Number(config, "sigma")), Radius = Whole("radius") }));
            case "jitter_2_6": return Same(Views.Plain.Color(0));
            case "kornia": return Same(All(new ColorJitterView()));
            case "clipinv": return Same(All(new ColorShiftView { Mean = Number(config, "mean"), Std = Number(config, "std") }));
            case "contrast": return Same(All(new ContrastView { Factor = Number(config, "factor") }));
            case "clip_norm": return Same(All(new NormalizeView()));
            case "rand_brightness": return Same(All(new DiffColorView { Saturation = 0, Contrast = 0 }));
            case "rand_saturation": return Same(All(new DiffColorView { Brightness = 0, Contrast = 0 }));
            case "rand_contrast": return Same(All(new DiffColorView { Brightness = 0, Saturation = 0 }));
            case "rand_translation": return Same(All(new ShiftView()));
            case "rand_resize": return Same(All(new RescaleView()));
            case "rand_cutout": return Same(Views.Plain.Cutout(0.5));
            case "DiffAugment": return Same(Views.Plain.DiffAugment());
            case "classic": return Same(Views.Plain.ClassicCutouts(Whole("size")));
            case "clipdraw": return Same(Views.Plain.ClipDraw(Whole("size")));
            case "clipstyler":
                var side = Tensor.Full([count, 2], Whole("crop"), DType.Int64);
                draws["box"] = Tensor.Cat([draws.Get("corner"), side], 1);
                return Same(Views.Plain.ClipStyler(Whole("crop"), Whole("size")));
            case "latest":
                return (Views.Plain.LatestCutouts(Whole("size")), [ViewParameters.None, Part("affine"), Part("perspective"), Part("colour"), Part("erase"), draws], null);
            default: throw new NotSupportedException($"family '{family}', case '{name}': no view is known for the function '{kind}' ({function})");
        }
    }

    // torch's own affine_grid and grid_sample, which the warps stand on.
    private static Tensor GridSample(Tensor image, ViewParameters given, JsonNode config)
    {
        var (theta, align) = (given.Get("in.theta"), (bool)config["align_corners"]!);
        var n = theta.Size(0);
        var grid = Tensor.AffineGrid(theta, [n, image.Size(1), image.Size(2), image.Size(3)], align);
        return image.RepeatInterleave(n / image.Size(0), 0).GridSample(grid, (string)config["padding"]! == "zeros" ? Border.Zeros : Border.Clamp, align);
    }
}
