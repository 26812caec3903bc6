using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>What must hold of any CLIP, on small ones drawn here.</summary>
public class ToyModelTests
{
    private static readonly ClipConfig toy = new()
    {
        Vision = new() { ImageSize = 32, PatchSize = 8, Width = 64, Heads = 4, Layers = 2, MlpWidth = 256, Activation = Activation.QuickGelu, EmbedDim = 24 },
        Text = new() { ContextLength = 16, VocabularySize = 600, Width = 32, Heads = 2, Layers = 2, MlpWidth = 150, Activation = Activation.QuickGelu, EmbedDim = 24 },
    };

    private static readonly ClipConfig timm = toy with
    {
        Vision = new() { TimmName = "tf_efficientnet_lite0", TimmProjectionBias = true, ImageSize = 64, EmbedDim = 24 },
        Mean = new(0.5, 0.5, 0.5), Std = new(0.5, 0.5, 0.5),
    };

    private static readonly ClipConfig odd = toy with
    {
        Vision = toy.Vision with { Activation = Activation.Gelu, MlpWidth = 147, Width = 30, Heads = 5, Epsilon = 1e-6 },
        Text = toy.Text with { EndId = 513 },
    };

    public static TheoryData<string> Configs => ["toy", "timm", "odd"];

    private static ClipConfig Named(string name) => name switch { "toy" => toy, "timm" => timm, _ => odd };

    // Rows as a tokenizer makes them: start, words, end, padding; the first is full, the last empty.
    private static Tensor Rows(ClipConfig config, Generator random, long padding = 0)
    {
        var context = config.Text.ContextLength;
        var (start, end) = (512, 513);
        int[] lengths = [context - 2, 5, 9, 0];
        var ids = new long[lengths.Length * context];
        for (var row = 0; row < lengths.Length; row++)
        {
            var at = row * context;
            using var words = random.Integers(0, 512, Math.Max(1, lengths[row]));
            Array.Fill(ids, padding, at, context);
            ids[at] = start;
            Array.Copy(words.ToArray<long>(), 0, ids, at + 1, lengths[row]);
            ids[at + 1 + lengths[row]] = end;
        }

        return Tensor.From(ids, lengths.Length, context);
    }

    [Theory]
    [InlineData("toy", false)]
    [InlineData("odd", false)]
    [InlineData("toy", true)]
    public void The_last_block_of_the_class_token_alone_says_what_all_of_it_says(string name, bool prompted)
    {
        using var random = new Generator(8);
        using var model = ClipModel.New(Named(name), random);
        var tower = (VisionTransformer)model.Image;
        using var prompts = prompted ? new DeepPrompts(tower, Weights.New(random), model.Config.Vision, 3, PromptPlacement.Insert) : null;
        using var scope = new TensorScope();
        var (pixels, direction) = (random.Normal(3, 3, 32, 32), random.Normal(24));
        (Tensor Value, Tensor Slope) Of(Trace? trace)
        {
            var leaf = pixels.Clone();
            leaf.RequiresGrad = true;
            var embedding = tower.Forward(leaf, prompts, null, trace);
            return (embedding.Detach(), Tensor.Gradients((embedding * direction).Sum(), [leaf])[0]!);
        }

        var ((alone, slope), (whole, wholeSlope)) = (Of(null), Of(new Trace())); // what is traced is computed whole
        Assert.True((alone - whole).Abs().Max().Item() <= 1e-5 * whole.Abs().Max().Item(), $"{(alone - whole).Abs().Max().Item()}");
        Assert.True((slope - wholeSlope).Abs().Max().Item() <= 1e-4 * wholeSlope.Abs().Max().Item(), $"{(slope - wholeSlope).Abs().Max().Item()}");
    }

    [Theory]
    [MemberData(nameof(Configs))]
    public void What_is_saved_loads_equal(string name)
    {
        using var random = new Generator(1);
        var tokenizer = BpeTrainer.Train(["a red fox", "a red box", "the fox"], merges: 8);
        var config = Named(name);
        if (config.Text.EndId is not null) config = config with { Text = config.Text with { EndId = tokenizer.EndId } };
        using var model = ClipModel.New(config, random);
        model.Tokenizer = tokenizer;
        using var folder = new TemporaryFolder();
        using var scope = new TensorScope();
        var (pixels, texts) = (model.Normalize(random.Uniform(0, 1, 2, 3, config.Vision.ImageSize, config.Vision.ImageSize)), new[] { "a fox", "a red, red box" });

        model.Save(folder.Path);
        using (var loaded = ClipModel.Load(folder.Path, trainable: true))
        {
            Assert.Equal(config, loaded.Config);
            Assert.Equal(model.Weights.All.Keys.Order(), loaded.Weights.All.Keys.Order());
            foreach (var (key, weight) in model.Weights.All) Assert.Equal(weight.ToFloats(), loaded.Weights.All[key].ToFloats());
            Assert.Equal(model.EncodeImage(pixels).ToFloats(), loaded.EncodeImage(pixels).ToFloats());
            Assert.Equal(model.EncodeText(texts).ToFloats(), loaded.EncodeText(texts).ToFloats());
        }

        model.Save(folder.Path, half: true);
        using var halved = ClipModel.Load(folder.Path, trainable: true);
        foreach (var (key, weight) in model.Weights.All) Parity.Close(key, weight, halved.Weights.All[key], 1.0 / 1024); // fp16 has 11 bits
        Parity.Close($"{name} half", model.EncodeImage(pixels).Normalized(), halved.EncodeImage(pixels).Normalized(), 0.02);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(513)]
    public void Nothing_after_the_end_matters(long padding)
    {
        using var random = new Generator(2);
        foreach (var config in new[] { toy, odd })
        {
            using var model = ClipModel.New(config, random);
            using var scope = new TensorScope();
            var ids = Rows(config, random, padding);
            var whole = model.Text.Forward(ids, trim: false);
            Parity.Close("trimmed", whole, model.Text.Forward(ids), 1e-6);
            Parity.Close("short rows only", whole[1..], model.Text.Forward(ids[1..]), 1e-6);

            // Other words behind the end, smaller than it, change nothing either.
            var other = ids.Clone();
            other[1, 8..].FillInPlace(7);
            Parity.Close("rubbish behind", whole, model.Text.Forward(other), 1e-6);
        }
    }

    // d cos / d pixel by central differences, along the gradient and along random directions (spec clip.md 1.10). In float32 the difference of two
    // cosines carries about 1e-7 / 2h of rounding, and h² of curvature.
    [Fact]
    public void Pixel_gradients_are_the_slopes()
    {
        using var random = new Generator(3);
        using var model = ClipModel.New(toy, random);
        using var scope = new TensorScope();
        var pixels = random.Normal(1, 3, 32, 32);
        var target = random.Normal(toy.EmbedDim).Normalized();
        Tensor Cosine(Tensor x) => model.EncodeImage(x).Normalized().Matmul(target).Sum();
        var leaf = pixels.Clone();
        leaf.RequiresGrad = true;
        var gradient = Tensor.Gradients(Cosine(leaf), [leaf])[0]!;
        var along = gradient / gradient.Norm();
        foreach (var direction in new[] { along, (along + random.Normal(pixels.Shape).Normalized(3) * 0.01).Detach() })
        {
            const double step = 0.05;
            var slope = (Cosine(pixels + direction * step).Item() - Cosine(pixels - direction * step).Item()) / (2 * step);
            var wanted = (gradient * direction).Sum().Item();
            Assert.True(Math.Abs(slope - wanted) < 5e-3 * gradient.Norm().Item(), $"slope {slope}, gradient says {wanted}");
        }
    }

    [Fact]
    public void New_weights_are_drawn_as_clip_s()
    {
        using var random = new Generator(4);
        using var model = ClipModel.New(toy with { Text = toy.Text with { Width = 128, MlpWidth = 512, VocabularySize = 4000 } }, random);
        using var scope = new TensorScope();
        double Deviation(string name) => model.Weights.All[name].Square().Mean().Sqrt().Item();
        void Near(double wanted, string name) => Assert.InRange(Deviation(name), wanted * 0.95, wanted * 1.05);

        // openai/CLIP clip/model.py, initialize_parameters: width 128, 2 layers.
        Near(0.02, "token_embedding.weight");
        Near(0.01, "positional_embedding");
        Near(Math.Pow(128, -0.5), "transformer.resblocks.0.attn.in_proj_weight");
        Near(Math.Pow(128, -0.5) * Math.Pow(4, -0.5), "transformer.resblocks.1.attn.out_proj.weight");
        Near(Math.Pow(256, -0.5), "transformer.resblocks.0.mlp.c_fc.weight");
        Near(Math.Pow(128, -0.5) * Math.Pow(4, -0.5), "transformer.resblocks.1.mlp.c_proj.weight");
        Near(Math.Pow(128, -0.5), "text_projection");
        Near(Math.Pow(64, -0.5), "visual.proj");
        Near(Math.Pow(64, -0.5), "visual.positional_embedding");
        Assert.Equal(Math.Log(1 / 0.07), model.LogitScale.Item(), 1e-6);
    }

    [Fact]
    public void A_new_model_learns_four_pairs()
    {
        using var random = new Generator(5);
        using var model = ClipModel.New(toy, random);
        using var ids = Rows(toy, random);
        using var pixels = random.Normal(4, 3, 32, 32);
        using var pairs = Tensor.Arange(4);
        foreach (var (_, parameter) in model.Parameters) parameter.RequiresGrad = true;
        using var adam = new Adam([new("all", [.. model.Parameters.Select(p => p.Value)], 1e-3)]);
        var losses = new List<double>();
        for (var step = 0; step < 20; step++)
        {
            using var scope = new TensorScope();
            var logits = model.Logits(model.EncodeImage(pixels), model.EncodeText(ids));
            var loss = (logits.CrossEntropy(pairs) + logits.T().CrossEntropy(pairs)) / 2;
            adam.ZeroGrad();
            loss.Backward();
            adam.Step();
            losses.Add(loss.Item());
        }

        Assert.True(losses[^1] < 0.1 && losses[0] > 1, $"from {losses[0]} to {losses[^1]}");
    }

    [Fact]
    public void A_tensor_missing_left_over_or_of_another_shape_is_named()
    {
        using var random = new Generator(6);
        using var model = ClipModel.New(toy, random);
        using var folder = new TemporaryFolder();
        model.Save(folder.Path);
        var file = Path.Combine(folder.Path, "open_clip_model.safetensors");
        string Failure(Action<Dictionary<string, Tensor>> change)
        {
            var tensors = model.Weights.All.ToDictionary();
            change(tensors);
            Safetensors.Save(file, tensors);
            return Assert.Throws<WeightsException>(() => ClipModel.Load(folder.Path)).Message;
        }

        using var small = Tensor.Zeros([3]);
        Assert.Contains("visual.ln_pre.bias", Failure(t => t.Remove("visual.ln_pre.bias")));
        Assert.Contains("visual.stray", Failure(t => t.Add("visual.stray", small)));
        Assert.Contains("[3]", Failure(t => t["visual.ln_pre.bias"] = small));
        Assert.Contains("give a ClipConfig", Failure(t => File.Delete(Path.Combine(folder.Path, "open_clip_config.json"))));
        Safetensors.Save(file, model.Weights.All);
        using var given = ClipModel.Load(file, toy); // a configuration given needs no file
        Assert.Equal(24, given.EmbedDim);
    }

    [Fact]
    public void Every_prefix_and_element_type_loads_to_the_same()
    {
        using var random = new Generator(7);
        using var model = ClipModel.New(toy, random);
        using var folder = new TemporaryFolder();
        using var scope = new TensorScope();
        toy.Save(Path.Combine(folder.Path, "open_clip_config.json"));
        var file = Path.Combine(folder.Path, "open_clip_model.safetensors");
        foreach (var prefix in new[] { "", "module." })
        {
            foreach (var text in new[] { "", "text." })
            {
                foreach (var type in new[] { DType.Float32, DType.BFloat16, DType.Float64 })
                {
                    Safetensors.Save(file, model.Weights.All.Select(w => KeyValuePair.Create(prefix + (w.Key.StartsWith("visual.", StringComparison.Ordinal) || w.Key == "logit_scale" ? "" : text) + w.Key, w.Value.To(type))));
                    using var loaded = ClipModel.Load(folder.Path);
                    foreach (var (name, weight) in model.Weights.All) Assert.Equal(weight.To(type).ToFloats(), loaded.Weights.All[name].ToFloats());
                }
            }
        }
    }

    [Fact]
    public void What_is_not_built_says_so()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "open_clip_config.json");
        string Failure(string vision, string text = "{}")
        {
            File.WriteAllText(path, "{\"model_cfg\": {\"embed_dim\": 8, \"vision_cfg\": " + vision + ", \"text_cfg\": " + text + "}}");
            return Assert.Throws<NotSupportedException>(() => ClipConfig.Load(path)).Message;
        }

        Assert.Contains("'convnext_base' is not built yet", Failure("""{"timm_model_name": "convnext_base"}"""));
        Assert.Contains("attentional_pool = true is not built yet", Failure("""{"attentional_pool": true}"""));
        Assert.Contains("hf_model_name", Failure("{}", """{"hf_model_name": "roberta-base"}"""));
        Assert.Contains("pool_type 'last'", Failure("{}", """{"pool_type": "last"}"""));
    }

    // Totals of spec clip.md 1.1 and 1.8, from the shapes alone; where the spec has none, the millions of open_clip's docs/model_profile.csv.
    [Theory]
    [InlineData("ViT-B-32", 151_277_313, 87_849_216)]
    [InlineData("ViT-B-32-quickgelu", 151_277_313, 87_849_216)]
    [InlineData("ViT-B-16", 149_620_737, 86_192_640)]
    [InlineData("ViT-L-14", 427_616_513, 303_966_208)]
    [InlineData("ViT-H-14", 986_109_441, 632_076_800)]
    [InlineData("RN50", 102_007_137, 38_316_896)]
    [InlineData("ViT-L-14-336", 427.94, 304.29)]
    [InlineData("ViT-B-16-plus-240", 208.38, 117.21)]
    [InlineData("RN101", 119.69, 56.26)]
    [InlineData("RN50x4", 178.3, 87.14)]
    [InlineData("RN50x16", 290.98, 167.33)]
    [InlineData("RN50x64", 623.26, 420.38)]
    [InlineData("ViT-g-14", 1366.68, 1012.65)]
    [InlineData("ViT-bigG-14", 2539.57, 1844.91)]
    public void Named_architectures_have_the_published_sizes(string name, double total, double visual)
    {
        using var scope = new TensorScope();
        using var weights = Weights.Shapes();
        using var model = new ClipModel(weights, ClipConfig.Named(name));
        var (all, eyes) = model.ParameterCounts();
        var (unit, slack) = total > 1e6 ? (1, 0.0) : (1e6, 0.006);
        Assert.InRange(all / (double)unit, total - slack, total + slack);
        Assert.InRange(eyes / (double)unit, visual - slack, visual + slack);
        Assert.Equal(name.EndsWith("-quickgelu", StringComparison.Ordinal) ? Activation.QuickGelu : Activation.Gelu, model.Config.Text.Activation);
    }
}
