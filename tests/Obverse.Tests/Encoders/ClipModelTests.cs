using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;
using Xunit.Abstractions;

namespace Obverse.Tests.Encoders;

/// <summary>Every model folder of the fixture tree against the library that made it; the tree's README says what the tensors are.</summary>
public class ClipModelTests(ITestOutputHelper output)
{
    private const double States = 1e-4, Gradients = 1e-4; // README, "Tolerances to expect"

    public static TheoryData<string> Models => Fixtures.Folders("clip/models", "fixture.json");
    public static TheoryData<string> ContrastiveModels => Parity.Where(Models, folder =>
    {
        if (!File.Exists(Path.Combine(folder, "expected.safetensors"))) return false;
        using var expected = Safetensors.Open(Path.Combine(folder, "expected.safetensors"));
        return expected.Contains("infonce.loss");
    });

    public static TheoryData<string> TimmModels => Fixtures.Folders("efficientnet-lite", "open_clip_config.json");

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Towers_compute_what_their_library_does(string folder)
    {
        var (top, _, expected) = Open(folder);
        using var file = expected;
        foreach (var trainable in new[] { false, true })
        {
            using var model = ClipModel.Load(top, trainable: trainable);
            if (trainable && model.Config.Vision.Stages is null) break; // only batch norms are kept apart
            using var scope = new TensorScope();
            var label = trainable ? folder + " plain" : folder;

            var pixels = expected["pixel_values"];
            var seen = new Trace();
            var images = model.Image.Forward(pixels, seen);
            Compare(label, "vision", expected, seen);
            Parity.Close($"{label} image_embeds", expected["image_embeds"], images, States, 1);
            Parity.Close($"{label} image_embeds_norm", expected["image_embeds_norm"], images.Normalized(), States, 1);

            var ids = expected["input_ids"];
            var read = new Trace();
            var ends = model.Text.Ends(ids);
            var pooled = model.Text.Pool(model.Text.Hidden(ids, read), ends);
            Compare(label, "text", expected, read);
            if (expected.Contains("text.pooled")) Parity.Close($"{label} text.pooled", expected["text.pooled"], pooled, States, 1);
            var texts = model.EncodeText(ids);
            Parity.Close($"{label} text_embeds", expected["text_embeds"], texts, States, 1);
            Parity.Close($"{label} text_embeds_norm", expected["text_embeds_norm"], texts.Normalized(), States, 1);
            Parity.Close($"{label} logits_per_image", expected["logits_per_image"], model.Logits(images, texts), States, 1);

            Tensor Cosines(Tensor p) => model.EncodeImage(p).Normalized().Matmul(expected["target"].Normalized());
            Parity.Close($"{label} cos", expected["cos"], Cosines(pixels), States, 1);
            if (model.Config.Vision.Stages is not null) Parity.CloseGradient($"{label} grad.pixel_values", expected["grad.pixel_values"], Cosines, pixels, Gradients); // ReLUs have kinks
            else
            {
                var leaf = pixels.Clone();
                leaf.RequiresGrad = true;
                Parity.Close($"{label} grad.pixel_values", expected["grad.pixel_values"], Tensor.Gradients(Cosines(leaf).Sum(), [leaf])[0]!, Gradients);
            }
        }
    }

    // What was compared, by kind, so that a tree that lacks a kind is seen to lack it.
    [SkippableFact]
    public void The_models_of_the_tree_are_counted()
    {
        var folders = ((IEnumerable<object[]>)Models).Select(row => (string)row[0]).Where(folder => folder.Length > 0).ToList();
        Skip.If(folders.Count == 0, "no model folders in clip/models");
        var kinds = new Dictionary<string, int>();
        void Count(string kind) => kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
        foreach (var folder in folders)
        {
            var (top, _, expected) = Open(folder);
            using var file = expected;
            using var model = ClipModel.Load(top);
            Count(model.Config.Origin.ToString());
            Count(model.Config.Vision.Stages is null ? "vision transformer" : "ResNet");
            Count(model.Config.Text.Activation.ToString());
            if (expected.Names.Any(n => n.StartsWith("vision.block", StringComparison.Ordinal) || n.StartsWith("vision.layer", StringComparison.Ordinal))) Count("hidden states");
            if (expected.Names.Any(n => n.Contains(".attention.", StringComparison.Ordinal))) Count("attention maps");
            if (expected.Contains("grad.pixel_values")) Count("pixel gradients");
            if (expected.Contains("infonce.loss")) Count("InfoNCE gradients");
        }

        output.WriteLine($"{folders.Count} models, none skipped: {string.Join(", ", kinds.Select(k => $"{k.Value} {k.Key}"))}");
        Assert.Equal(folders.Count, kinds["pixel gradients"]);
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Parameter_counts_are_the_library_s(string folder)
    {
        var (top, fixture, expected) = Open(folder);
        expected.Dispose();
        using var model = ClipModel.Load(top);
        Assert.Equal(fixture.GetProperty("parameters").GetInt64(), model.Parameters.Sum(p => p.Value.Elements));
        Assert.Equal(fixture.GetProperty("visual_parameters").GetInt64(), model.Parameters.Where(p => p.Key.StartsWith("visual.", StringComparison.Ordinal)).Sum(p => p.Value.Elements));
    }

    // Folders named pair-… hold the same weights in different layouts.
    [SkippableFact]
    public void Two_layouts_of_one_model_load_to_the_same_bits()
    {
        var pairs = ((IEnumerable<object[]>)Models).Select(row => (string)row[0]).Where(folder => Path.GetFileName(folder).StartsWith("pair-", StringComparison.Ordinal)).GroupBy(Path.GetDirectoryName).Where(g => g.Count() > 1).ToList();
        Skip.If(pairs.Count == 0, "no pair-… folders in clip/models");
        foreach (var pair in pairs)
        {
            using var first = ClipModel.Load(Path.Combine(Fixtures.Root, pair.First()));
            foreach (var folder in pair.Skip(1))
            {
                using var other = ClipModel.Load(Path.Combine(Fixtures.Root, folder));
                Assert.Equal(first.Weights.All.Keys.Order(), other.Weights.All.Keys.Order());
                foreach (var (name, weight) in first.Weights.All) Assert.Equal(weight.ToFloats(), other.Weights.All[name].ToFloats());
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(ContrastiveModels))]
    public void Contrastive_loss_and_its_gradients_are_the_library_s(string folder)
    {
        var (top, _, expected) = Open(folder);
        using var file = expected;
        using var model = ClipModel.Load(top);
        using var scope = new TensorScope();
        foreach (var (_, parameter) in model.Parameters) parameter.RequiresGrad = true;

        var logits = model.Logits(model.EncodeImage(expected["pixel_values"]), model.EncodeText(expected["input_ids"]));
        var pairs = Tensor.Arange(logits.Size(0));
        var loss = (logits.CrossEntropy(pairs) + logits.T().CrossEntropy(pairs)) / 2;
        Parity.Close($"{folder} infonce.loss", expected["infonce.loss"], loss, States);
        loss.Backward();

        // Names are the library's: gradients take the way back through the layout that weights took.
        var gradients = ClipLayoutNames.OfLibrary(model.Weights.All.Where(w => w.Value.Grad is not null).ToDictionary(w => w.Key, w => w.Value.Grad!));
        var largest = expected.Names.Where(n => n.StartsWith("infonce.grad.", StringComparison.Ordinal)).Max(n => expected[n].Abs().Max().Item());
        foreach (var name in expected.Names.Where(n => n.StartsWith("infonce.grad.", StringComparison.Ordinal)))
        {
            // A key's bias shifts a query's scores alike: its gradient is rounding, so it is measured by the others'.
            var floor = name.EndsWith("k_proj.bias", StringComparison.Ordinal) ? largest : 0;
            Parity.Close($"{folder} {name}", expected[name], gradients(name["infonce.grad.".Length..]), Gradients, floor);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(TimmModels))]
    public void A_timm_tower_inside_a_clip_is_open_clip_s(string folder)
    {
        var top = Fixtures.Require(folder.Length == 0 ? "efficientnet-lite" : folder);
        Skip.If(folder.Length == 0, "no folder with open_clip_config.json in efficientnet-lite");
        var fixture = Parity.Json(Path.Combine(top, "fixture.json"));
        var trunk = Path.GetFullPath(Path.Combine(top, fixture.GetProperty("trunk_weights").GetString()!));
        Skip.IfNot(File.Exists(trunk), $"{folder}: no weights at {trunk}");
        var tolerance = Parity.Tolerances(fixture.GetProperty("tolerance").GetString()!);
        using var whole = new TemporaryFolder();
        Assemble(top, trunk, fixture.GetProperty("trunk_prefix").GetString()!, whole.Path);
        using var inputs = Safetensors.Open(Path.Combine(top, "inputs.safetensors"));
        using var expected = Safetensors.Open(Path.Combine(top, "expected.safetensors"));

        foreach (var trainable in new[] { false, true })
        {
            using var model = ClipModel.Load(whole.Path, trainable: trainable);
            using var scope = new TensorScope();
            var label = $"{folder} {(trainable ? "plain" : "folded")}";
            var texts = model.EncodeText(inputs["input_ids"]);
            Parity.Close($"{label} text_features", expected["text_features"], texts, tolerance[0]);
            var pixels = inputs["pixel_values"];
            Parity.Close($"{label} image_features", expected["image_features"], model.EncodeImage(pixels), tolerance[0]);
            Tensor Cosine(Tensor p) => model.EncodeImage(p).Normalized().Matmul(texts[0].Normalized());
            Parity.Close($"{label} cosine", expected["cosine"], Cosine(pixels), tolerance[0]);
            Parity.CloseGradient($"{label} gradient", expected["grad_cosine_sum"], Cosine, pixels, tolerance[^1]);
        }
    }

    private static (string Top, System.Text.Json.JsonElement Fixture, Safetensors Expected) Open(string folder)
    {
        var top = Fixtures.Require(folder.Length == 0 ? "clip/models" : folder);
        Skip.If(folder.Length == 0, "no such model folder in clip/models");
        var fixture = Parity.Json(Path.Combine(top, "fixture.json"));
        var source = fixture.TryGetProperty("same_as", out var other) ? Path.Combine(Path.GetDirectoryName(top)!, other.GetString()!) : top;
        if (source != top) fixture = Parity.Json(Path.Combine(source, "fixture.json"));
        return (top, fixture, Safetensors.Open(Path.Combine(source, "expected.safetensors")));
    }

    private static void Compare(string folder, string tower, Safetensors expected, Trace trace)
    {
        foreach (var name in expected.Names.Where(n => n.StartsWith(tower + ".", StringComparison.Ordinal) && n != "text.pooled"))
        {
            Parity.Close($"{folder} {name}", expected[name], trace[name[(tower.Length + 1)..]], States, 1);
        }
    }

    // The fixture leaves the trunk out, because it is the published network's.
    private static void Assemble(string top, string trunk, string prefix, string folder)
    {
        using var rest = Safetensors.Open(Directory.EnumerateFiles(top, "open_clip_model*.safetensors").Single());
        using var network = Safetensors.Open(trunk);
        Safetensors.Save(Path.Combine(folder, "open_clip_model.safetensors"),
        [
            .. rest.Names.Select(n => KeyValuePair.Create(n, rest[n])),
            .. network.Names.Any(n => n.StartsWith(prefix, StringComparison.Ordinal)) // a CLIP's trunk, or the network alone
                ? network.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => KeyValuePair.Create(n, network[n]))
                : network.Names.Where(n => !n.StartsWith("classifier.", StringComparison.Ordinal)).Select(n => KeyValuePair.Create(prefix + n, network[n])),
        ]);
        File.Copy(Path.Combine(top, "open_clip_config.json"), Path.Combine(folder, "open_clip_config.json"));
    }
}
