using System.Text.Json;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Networks;

/// <summary>Inception, DINO and LPIPS against the libraries that define them (fixture `networks`). Tolerance: ten times the rounding that the reference itself has, at least 1e-5 of the largest element.</summary>
public class NetworkFixtureTests
{
    private const double Least = 1e-5;

    public static TheoryData<string> Of(string topic) => Fixtures.Folders("", topic + ".json");

    private static void Each(string folder, string topic, Action<Case, string, JsonElement> check)
    {
        using var stored = new Case(Path.Combine(folder, topic));
        var met = 0;
        foreach (var one in stored.Json.GetProperty("cases").EnumerateObject())
        {
            using var scope = new TensorScope();
            check(stored, one.Name, one.Value);
            met++;
        }

        Assert.True(met > 0, stored.Name);
    }

    private static Picture PictureOf(string folder, JsonElement one, int index = 0) => Picture.Load(Fixtures.Require(Path.Combine(folder, one.GetProperty("pictures")[index].GetString()!)));

    private static double Gap(JsonElement one, string name) => one.GetProperty("expected").TryGetProperty("float64_gap", out var gaps) && gaps.ValueKind == JsonValueKind.Object && gaps.TryGetProperty(name, out var gap) ? gap.GetDouble() : 0;

    private static void Close(Case stored, string name, Tensor got, double gap = 0, double least = Least)
    {
        var wanted = stored[name];
        var off = (wanted.To(DType.Float64) - got.Detach().To(DType.Float64).Reshape(wanted.Shape)).Abs().Max().Item();
        var tolerance = Math.Max(10 * gap, least * wanted.Abs().Max().Item());
        Encoders.Parity.Record($"{stored.Name} {name}", off, tolerance);
        Assert.True(off <= tolerance, $"{stored.Name}: {name} is off by {off:G3}, tolerance {tolerance:G3}");
    }

    // A unit within rounding of its kink is open in one library and closed in another: a gradient that is off must be right at a place 1e-6 away, where it has changed sides.
    private static void CloseInNorm(Case stored, string name, Func<Tensor, Tensor> function, Tensor input, double tolerance = 1e-3)
    {
        var (wanted, best) = (stored[name].To(DType.Float64), double.PositiveInfinity);
        using var random = new Generator(1);
        for (var attempt = 0; attempt < 12 && best > tolerance; attempt++)
        {
            using var scope = new TensorScope();
            var at = (input + random.Normal(input.Shape) * (attempt == 0 ? 0 : 1e-6)).Detach();
            at.RequiresGrad = true;
            var gradient = Tensor.Gradients(function(at).Sum(), [at])[0]!;
            best = Math.Min(best, ((wanted - gradient.Detach().To(DType.Float64).Reshape(wanted.Shape)).Norm() / wanted.Norm()).Item());
        }

        Assert.True(best <= tolerance, $"{stored.Name}: {name} is off by {best:G3} of its length, tolerance {tolerance:G3}");
    }

    [SkippableTheory]
    [MemberData(nameof(Of), "inception_resize")]
    public void Pictures_are_resized_as_each_library_does(string folder) => Each(folder, "inception_resize", (stored, name, one) =>
    {
        var settings = one.GetProperty("settings");
        var (height, width, stride) = (settings.GetProperty("size")[0].GetInt32(), settings.GetProperty("size")[1].GetInt32(), settings.GetProperty("stride").GetInt64());
        var pixels = PictureOf(folder, one).ToTensor() * 255.0;
        pixels = pixels.Round();
        foreach (var (way, got) in ((string, Tensor)[])[("tf1", InceptionInputs.TensorFlowBilinear(pixels, height, width)), ("half_pixel", pixels.Resize(height, width))])
        {
            var sums = one.GetProperty("expected").GetProperty(way);
            var wide = got.To(DType.Float64);
            Assert.Equal(1, wide.Sum().Item() / sums.GetProperty("sum").GetDouble(), 1e-7);
            Assert.Equal(1, wide.Square().Sum().Item() / sums.GetProperty("sum_sq").GetDouble(), 1e-7);
            long[] Every(long size) => [.. Enumerable.Range(0, (int)((size + stride - 1) / stride)).Select(i => i * stride)];
            Close(stored, $"{name}.out.{way}", got[0].IndexSelect(1, Tensor.From(Every(height))).IndexSelect(2, Tensor.From(Every(width))), least: 1e-6);
        }
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "inception_blocks")]
    public void Blocks_of_Inception_alone(string folder) => Each(folder, "inception_blocks", (stored, name, one) =>
    {
        var settings = one.GetProperty("settings");
        int Argument(string argument) => settings.GetProperty("arguments").GetProperty(argument).GetInt32();
        var (inputs, owned) = (settings.GetProperty("in_channels").GetInt32(), new List<IDisposable>());
        var asked = new Asked(settings.GetProperty("salt").GetString()!, settings.GetProperty("prefix").GetString()!, settings.GetProperty("gain2").GetDouble());
        var forward = asked.Build(weights =>
        {
            var blocks = new InceptionBlocks(weights, owned);
            return settings.GetProperty("block").GetString() switch
            {
                "FIDInceptionA" => blocks.A(inputs, Argument("pool_features")),
                "InceptionB" => blocks.B(inputs),
                "FIDInceptionC" => blocks.C(inputs, Argument("channels_7x7")),
                "InceptionD" => blocks.D(inputs),
                "FIDInceptionE_1" => blocks.E(inputs, poolsByMaximum: false),
                "FIDInceptionE_2" => blocks.E(inputs, poolsByMaximum: true),
                _ => new InceptionBlocks(weights, owned).Convolution("", inputs, Argument("out_channels"), Argument("kernel_size"), stride: Argument("stride"), pads: false),
            };
        });
        using var still = new NoGrad();
        Close(stored, $"{name}.out.y", forward(stored[$"{name}.in.x"]), one.GetProperty("expected").GetProperty("float64_gap").GetDouble());
        foreach (var tensor in owned) tensor.Dispose();
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "inception")]
    public void Inception_as_pytorch_fid_and_torch_fidelity_run_it(string folder)
    {
        using var network = Inception(folder);
        Each(folder, "inception", (stored, name, one) =>
        {
            using var still = new NoGrad();
            var picture = PictureOf(folder, one);
            var trace = new Trace();
            network.Of(InceptionInput.PytorchFid.Prepare(picture), trace: trace);
            foreach (var (stage, map) in trace.States)
            {
                if (!stored.Has($"{name}.out.stage.{stage}.mean")) continue;
                Close(stored, $"{name}.out.stage.{stage}.mean", map.Mean([0, 2, 3]));
                Close(stored, $"{name}.out.stage.{stage}.max", map.Amax([0, 2, 3]));
                long[] Every(int dim, int parts) => [.. Enumerable.Range(0, parts * 2).Select(i => i * ((map.Size(dim) + parts - 1) / parts)).Where(i => i < map.Size(dim))];
                Close(stored, $"{name}.out.stage.{stage}.sample", map[0].IndexSelect(0, Tensor.From(Every(1, 8))).IndexSelect(1, Tensor.From(Every(2, 4))).IndexSelect(2, Tensor.From(Every(3, 4))));
            }

            foreach (var (library, input) in ((string, InceptionInput)[])[("pytorch_fid", InceptionInput.PytorchFid), ("torch_fidelity", InceptionInput.TorchFidelity)])
            {
                var pixels = input.Prepare(picture);
                foreach (var width in (int[])[64, 192, 768, 2048]) Close(stored, $"{name}.out.{library}.{width}", network.Of(pixels, width), Gap(one, $"{library}.{width}"));
            }

            var features = network.Of(InceptionInput.TorchFidelity.Prepare(picture));
            Close(stored, $"{name}.out.torch_fidelity.logits_unbiased", network.Classify(features), Gap(one, "torch_fidelity.logits_unbiased"));
            Close(stored, $"{name}.out.torch_fidelity.logits", network.Classify(features, bias: true), Gap(one, "torch_fidelity.logits"));
        });
    }

    [SkippableTheory]
    [MemberData(nameof(Of), "inception_folders")]
    public void Two_folders_from_end_to_end(string folder)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(Path.Combine(folder, "inception_folders.json"))));
        using var network = Inception(folder);
        using var still = new NoGrad();
        foreach (var one in json.RootElement.GetProperty("cases").EnumerateObject())
        {
            using var scope = new TensorScope();
            var (settings, expected) = (one.Value.GetProperty("settings"), one.Value.GetProperty("expected"));
            Picture[] pictures = [.. one.Value.GetProperty("pictures").EnumerateArray().Select(file => Picture.Load(Fixtures.Require(Path.Combine(folder, file.GetString()!))))];
            var a = settings.GetProperty("n")[0].GetInt32();
            FeatureRows Seen(InceptionInput input, int width, bool first) => FeatureRows.Of(network.Of(Tensor.Cat([.. (first ? pictures[..a] : pictures[a..]).Select(picture => input.Prepare(picture))]), width));
            double Number(string name) => expected.GetProperty(name).GetDouble();
            void Near(string name, double got, double relative) => Assert.True(Math.Abs(got / Number(name) - 1) <= relative, $"{one.Name}: {name} is {got:R} for {Number(name):R}");
            foreach (var width in settings.GetProperty("dims").EnumerateArray().Select(d => d.GetInt32()))
            {
                var got = new Fid().Between(Seen(InceptionInput.PytorchFid, width, true), Seen(InceptionInput.PytorchFid, width, false));
                Near($"pytorch_fid.{width}", got, 1e-4);
                Near($"exact.{width}", got, 1e-4);
            }

            var data = new MetricData { Pictures = Seen(InceptionInput.TorchFidelity, 2048, true), Reference = Seen(InceptionInput.TorchFidelity, 2048, false) };
            data = data with { Logits = FeatureRows.Of(network.Classify(data.Pictures.All())) };
            Near("exact.2048", new Fid().Measure(data)[0].Value, 1e-4);
            Near("torch_fidelity.frechet_inception_distance", new Fid { FloatMean = true }.Measure(data)[0].Value, 1e-4);
            var kid = new KernelDistance { Subsets = settings.GetProperty("kid_subsets").GetInt32(), SubsetSize = settings.GetProperty("kid_subset_size").GetInt32() }.Measure(data)[0];
            Near("torch_fidelity.kernel_inception_distance_mean", kid.Value, 1e-3);
            Near("torch_fidelity.kernel_inception_distance_std", kid.Deviation!.Value, 1e-2);
            Near("torch_fidelity.inception_score_mean", new InceptionScore { Splits = settings.GetProperty("isc_splits").GetInt32() }.Measure(data)[0].Value, 1e-5);
            var figures = new PrecisionRecall { Neighbours = settings.GetProperty("prc_neighborhood").GetInt32() }.Measure(data).ToDictionary(f => f.Name, f => f.Value);
            foreach (var (name, mine) in ((string, string)[])[("precision", "precision"), ("recall", "recall"), ("f_score", "F-score")]) Assert.Equal(Number($"torch_fidelity.{name}"), figures[mine], 1e-6);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Of), "dino")]
    public void Dino_of_two_preparations_and_of_other_sides(string folder)
    {
        Fixtures.Require(Path.Combine(folder, "dino.json"));
        using var network = new DinoTransformer(ProceduralWeights.Of(Path.Combine(folder, "dino_weights.json")), "procedural");
        Each(folder, "dino", (stored, name, one) =>
        {
            using var still = new NoGrad();
            var picture = PictureOf(folder, one);
            var settings = one.GetProperty("settings");
            Tensor Seen(byte[] crop) => DinoTransformer.Normalize(PictureBatches.ToTensor([crop], 224));
            foreach (var resize in (int[])[248, 256])
            {
                var crop = DinoTransformer.Crop(picture, resize);
                Assert.Equal(Picture.Load(Fixtures.Require(Path.Combine(folder, $"dino/{name}.resize_{resize}.png"))).Rgb.ToArray(), crop);
                var trace = resize == 256 ? new Trace() : null;
                Close(stored, $"{name}.out.resize_{resize}.features", network.Forward(Seen(crop), trace), Gap(one, $"resize_{resize}.features"));
                if (trace is null) continue;
                if (stored.Has($"{name}.out.tokens")) Close(stored, $"{name}.out.tokens", trace["embedded"][0, ..3]);
                for (var i = 0; stored.Has($"{name}.out.block_{i}.cls"); i++)
                {
                    Close(stored, $"{name}.out.block_{i}.cls", trace[$"block.{i}"][0, 0], least: 1e-4);
                    Close(stored, $"{name}.out.block_{i}.patch_mean", trace[$"block.{i}"][0, 1..].Mean(0), least: 1e-4);
                }
            }

            foreach (var size in settings.GetProperty("sizes").EnumerateArray())
            {
                var (h, w) = (size[0].GetInt32(), size[1].GetInt32());
                Close(stored, $"{name}.out.size_{h}x{w}.features", network.Forward(Seen(DinoTransformer.Crop(picture)).Narrow(2, 0, h).Narrow(3, 0, w)), Gap(one, $"size_{h}x{w}.features"));
            }
        });
    }

    [SkippableTheory]
    [MemberData(nameof(Of), "tiny_vit")]
    public void A_small_transformer_with_its_gradient(string folder) => Each(folder, "tiny_vit", (stored, name, one) =>
    {
        var prefix = $"{name}.in.weights.";
        var tensors = stored.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(n => n[prefix.Length..], n => TensorScope.Unscoped(() => stored[n].Clone()));
        using var network = new DinoTransformer(tensors, "tiny_vit", one.GetProperty("settings").GetProperty("heads").GetInt32());
        var x = stored[$"{name}.in.x"].Clone();
        x.RequiresGrad = true;
        var trace = new Trace();
        var features = network.Forward(x, trace);
        foreach (var (mine, theirs) in ((string, string)[])[("patch_embed", "patch_embed"), ("embedded", "embedded"), ("norm", "norm")]) Close(stored, $"{name}.out.{theirs}", trace[mine]);
        for (var i = 0; stored.Has($"{name}.out.block_{i}.output"); i++)
        {
            Close(stored, $"{name}.out.block_{i}.norm1", trace[$"ln_1.{i}"]);
            Close(stored, $"{name}.out.block_{i}.output", trace[$"block.{i}"]);
        }

        Close(stored, $"{name}.out.features", features, Gap(one, "features"));
        Close(stored, $"{name}.out.gradient", Tensor.Gradients((features * stored[$"{name}.in.g"]).Sum(), [x])[0]!, Gap(one, "gradient"));
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "lpips")]
    public void Lpips_of_three_networks(string folder) => Each(folder, "lpips", (stored, name, one) =>
    {
        using var network = Lpips(folder, one);
        var (a, b, expected) = (PictureOf(folder, one).ToTensor(), PictureOf(folder, one, 1).ToTensor(), one.GetProperty("expected"));
        using var still = new NoGrad();
        var value = network.Between(a, b);
        Assert.Equal(1, value.Item() / expected.GetProperty("value_float64").GetDouble(), 1e-4);
        double[] layers = [.. expected.GetProperty("layers_float64").EnumerateArray().Select(layer => layer.GetDouble())];
        Assert.Equal(layers.Length, network.Layers(a, b).Length);
        foreach (var (wanted, got) in layers.Zip(network.Layers(a, b))) Assert.Equal(1, got.Item() / wanted, 1e-4);
        Close(stored, $"{name}.out.spatial", network.Map(a, b), Gap(one, "spatial"));
        Assert.Equal(0, network.Between(a, a).Item());
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "lpips")]
    public void Gradients_of_Lpips(string folder) => Each(folder, "lpips", (stored, name, one) =>
    {
        using var network = Lpips(folder, one);
        var (a, b) = (PictureOf(folder, one).ToTensor() * 2.0 - 1.0, PictureOf(folder, one, 1).ToTensor() * 2.0 - 1.0);
        CloseInNorm(stored, $"{name}.out.gradient", x => network.BetweenSigned(x, b), a);
    });

    private static Lpips Lpips(string folder, JsonElement one)
    {
        var net = one.GetProperty("settings").GetProperty("net").GetString()!;
        var backbone = Weights.From(ProceduralWeights.Of(Path.Combine(folder, $"lpips_{net}_weights.json")), "procedural");
        return new(Enum.Parse<LpipsNetwork>(net, ignoreCase: true), backbone, Weights.Load(Fixtures.Require(Path.Combine(folder, $"lpips_lin_{net}.safetensors"))));
    }

    private static InceptionNetwork Inception(string folder)
    {
        Fixtures.Require(Path.Combine(folder, "inception_weights.json"));
        return new(Weights.From(ProceduralWeights.Of(Path.Combine(folder, "inception_weights.json")), "procedural"));
    }

    /// <summary>Procedural weights of whatever shape a network asks for.</summary>
    private sealed class Asked(string salt, string prefix, double gain)
    {
        public T Build<T>(Func<Weights, T> build)
        {
            using var shapes = Weights.Shapes();
            using var scope = new TensorScope();
            build(shapes);
            return build(Weights.From(shapes.Outline.Select(one =>
            {
                var name = one.Name.Trim('.').Replace("..", ".", StringComparison.Ordinal);
                return KeyValuePair.Create(one.Name, TensorScope.Unscoped(() => Tensor.From(ProceduralWeights.Values(salt, prefix + name, one.Shape, gain), one.Shape)));
            }), "procedural"));
        }
    }
}
