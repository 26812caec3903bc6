using System.Text;
using System.Text.Json;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>CLIPStyler's networks and odds and ends against its code (fixture tree, `networks/stylenet`, `vgg19`, `clipstyler`).</summary>
public class StyleNetworkTests
{
    public static TheoryData<string> StyleNets => Fixtures.Files("networks", "stylenet.json");
    public static TheoryData<string> Vggs => Fixtures.Files("networks", "vgg19.json");
    public static TheoryData<string> Stylers => Fixtures.Files("networks", "clipstyler.json");

    [Fact]
    public void A_network_is_read_back_from_its_file_and_from_that_of_the_canvas_it_was_trained_in()
    {
        using var folder = new TemporaryFolder();
        using var scope = new TensorScope();
        using var random = new Generator(2);
        using var network = TensorScope.Unscoped(() => new StyleNet(Obverse.Torch.Weights.New(random), 4));
        var (own, canvas) = (Path.Combine(folder.Path, "own.safetensors"), Path.Combine(folder.Path, "canvas.safetensors"));
        network.Save(own);
        Safetensors.Save(canvas, network.Parameters.Select(pair => KeyValuePair.Create("canvas.network." + pair.Key, pair.Value)));
        var picture = random.Uniform(0, 1, [1, 3, 24, 16]);
        foreach (var path in new[] { own, canvas })
        {
            using var again = StyleNet.Load(path);
            Assert.Equal(network.Forward(picture).ToFloats(), again.Forward(picture).ToFloats());
        }
    }

    [SkippableTheory]
    [MemberData(nameof(StyleNets))]
    public void StyleNet_is_the_authors_network(string name)
    {
        using var scope = new TensorScope();
        using var file = Safetensors.Open(Fixtures.Require(name + ".safetensors"));
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(name + ".json")));
        foreach (var given in json.RootElement.GetProperty("cases").EnumerateObject())
        {
            var settings = given.Value.GetProperty("settings");
            if (given.Name == "fails") continue; // those sides are padded here
            var inner = $"{given.Name}.in.weights.";
            using var network = file.Names.Any(n => n.StartsWith(inner, StringComparison.Ordinal))
                ? TensorScope.Unscoped(() => new StyleNet(Obverse.Torch.Weights.From(file.Names.Where(n => n.StartsWith(inner, StringComparison.Ordinal)).Select(n => KeyValuePair.Create(n[inner.Length..], file[n].OwnedCopy())), name), settings.GetProperty("ngf").GetInt32()))
                : TensorScope.Unscoped(() => StyleNet.Load(Fixtures.Require(name + "_weights.safetensors")));
            var expected = given.Value.GetProperty("expected");
            Assert.Equal(expected.GetProperty("parameters").GetInt64(), network.Parameters.Values.Sum(p => p.Elements));
            var x = file[$"{given.Name}.in.x"].Clone();
            x.RequiresGrad = true;
            var trace = new Trace();
            var y = network.Forward(x, trace);
            var gaps = expected.GetProperty("float64_gap");
            Near(file[$"{given.Name}.out.y"], y, gaps.GetProperty("y").GetDouble(), $"{name} {given.Name} y");
            foreach (var (map, value) in trace.States) if (file.Contains($"{given.Name}.out.{map}")) Near(file[$"{given.Name}.out.{map}"], value, 0, $"{name} {given.Name} {map}");
            var gradient = Tensor.Gradients((y * file[$"{given.Name}.in.g"]).Sum(), [x])[0]!;
            var wanted = file[$"{given.Name}.out.gradient"];
            Assert.True(((gradient - wanted).Norm() / wanted.Norm()).Item() < 1e-3, $"{name} {given.Name}: gradient");
        }
    }

    [Theory]
    [InlineData(63, 65)]
    [InlineData(64, 60)]
    [InlineData(9, 33)]
    [InlineData(8, 8)]
    [InlineData(64, 3)]
    public void Other_sides_are_padded_and_cut_back(int height, int width)
    {
        using var scope = new TensorScope();
        using var random = new Generator(3);
        using var network = TensorScope.Unscoped(() => new StyleNet(Obverse.Torch.Weights.New(random), 4));
        Assert.Equal([1, 3, height, width], network.Forward(random.Uniform(0, 1, 1, 3, height, width)).Shape);
    }

    [SkippableTheory]
    [MemberData(nameof(Vggs))]
    public void VGG19_gives_the_authors_taps(string name)
    {
        using var scope = new TensorScope();
        using var file = Safetensors.Open(Fixtures.Require(name + ".safetensors"));
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(name + ".json")));
        using var listed = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(name + "_weights.json")));
        var (salt, gain) = (listed.RootElement.GetProperty("salt").GetString()!, listed.RootElement.GetProperty("gain2").GetDouble());
        using var vgg = TensorScope.Unscoped(() => new Vgg19(Obverse.Torch.Weights.From(listed.RootElement.GetProperty("tensors").EnumerateObject().Where(t => t.Name.StartsWith("features.", StringComparison.Ordinal)).Select(t =>
        {
            long[] shape = [.. t.Value.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64())];
            return KeyValuePair.Create(t.Name, Tensor.From(Procedural(salt, t.Name, shape, gain), shape));
        }), name)));
        foreach (var given in json.RootElement.GetProperty("cases").EnumerateObject())
        {
            Tensor Picture_(string letter) => Picture.Load(Fixtures.Require($"{name}/{given.Name}.{letter}.png")).ToTensor();
            string[] Taps(string letter) => [.. file.Names.Where(n => n.StartsWith($"{given.Name}.out.{letter}.", StringComparison.Ordinal)).Select(n => n.Split('.')[^1])];
            Tensor a = Picture_("a").Clone(), b = Picture_("b");
            a.RequiresGrad = true;
            var gaps = given.Value.GetProperty("expected").GetProperty("float64_gap");
            var seen = vgg.Features(a, Taps("a"));
            foreach (var tap in Taps("a")) Near(file[$"{given.Name}.out.a.{tap}"], seen[tap].Squeeze(0), gaps.GetProperty(tap).GetDouble(), $"{name} a {tap}");
            var other = vgg.Features(b, Taps("b"));
            foreach (var tap in Taps("b")) Near(file[$"{given.Name}.out.b.{tap}"], other[tap].Squeeze(0), gaps.GetProperty(tap).GetDouble(), $"{name} b {tap}");
            var loss = (seen["conv4_2"] - other["conv4_2"]).Square().Mean() + (seen["conv5_2"] - other["conv5_2"]).Square().Mean();
            Assert.Equal(given.Value.GetProperty("expected").GetProperty("content_loss").GetDouble(), loss.Item(), 1e-5);
            var (gradient, wanted) = (Tensor.Gradients(loss, [a])[0]!.Squeeze(0), file[$"{given.Name}.out.gradient"]);
            Assert.True(((gradient - wanted).Norm() / wanted.Norm()).Item() < 1e-3, $"{name}: gradient");
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Stylers))]
    public void Rates_variation_and_finish_are_the_authors(string name)
    {
        using var scope = new TensorScope();
        using var file = Safetensors.Open(Fixtures.Require(name + ".safetensors"));
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(name + ".json")));
        var cases = json.RootElement.GetProperty("cases");
        var schedule = Recipes.Styler(Quality.Best).Schedule;
        var expected = cases.GetProperty("schedule").GetProperty("expected");
        Assert.Equal(expected.GetProperty("iterations").GetInt32(), schedule.StepCount);
        foreach (var (at, rate) in expected.GetProperty("changes_at").EnumerateArray().Zip(expected.GetProperty("values").EnumerateArray()))
        {
            Assert.Equal(rate.GetDouble(), schedule.RateAt(at.GetInt32(), "network", 0, 1), 1e-12);
            if (at.GetInt32() > 0) Assert.NotEqual(rate.GetDouble(), schedule.RateAt(at.GetInt32() - 1, "network", 0, 1), 1e-12);
        }

        var x = file["tv.in.x"].Clone();
        x.RequiresGrad = true;
        var tv = new NeighbourNorm { IsWhole = true }.Evaluate(new Scene(x, 0, 1, _ => []));
        Assert.Equal(cases.GetProperty("tv").GetProperty("expected").GetProperty("tv").GetDouble(), tv.Item(), 1e-4);
        Near(file["tv.out.gradient"], Tensor.Gradients(tv.Sum(), [x])[0]!, 1e-6, $"{name} tv gradient");

        var raw = file["output.in.x"];
        Near(file["output.out.contrast"], new ContrastView().Apply(raw.Clamp(0, 1), ViewParameters.None), 0, $"{name} contrast");
        using var random = new Generator(1);
        using var canvas = new StyledCanvas(TensorScope.Unscoped(() => new StyleNet(Obverse.Torch.Weights.New(random), 4)), raw.Clamp(0, 1), new StyledPicture());
        var saved = (canvas.Finish(raw) * 255 + 0.5).Clamp(0, 255).Floor().Squeeze(0).Permute(1, 2, 0);
        Near(file["output.out.saved"].To(DType.Float32), saved, 0.1, $"{name} saved"); // a byte may differ by one where its value lies on the edge
    }

    // Ten times the gap of float32 to float64, and never less than 1e-5 of the largest element (README of the fixtures).
    private static void Near(Tensor wanted, Tensor got, double gap, string what)
    {
        Assert.Equal(wanted.Elements, got.Elements);
        var (worst, largest) = ((wanted - got.Detach().Reshape(wanted.Shape)).Abs().Max().Item(), wanted.Abs().Max().Item());
        Assert.True(worst <= Math.Max(10 * gap, 1e-5 * largest), $"{what} is off by {worst:g3}, {Math.Max(10 * gap, 1e-5 * largest):g3} allowed");
    }

    // The fixtures' formula (README of `networks`): weights that any language can make.
    private static float[] Procedural(string salt, string key, long[] shape, double gain)
    {
        uint h = 2166136261;
        foreach (var one in Encoding.UTF8.GetBytes($"{salt}/{key}")) h = (h ^ one) * 16777619;
        static uint Mix(uint x)
        {
            x = (x ^ x >> 16) * 0x7feb352d;
            x = (x ^ x >> 15) * 0x846ca68b;
            return x ^ x >> 16;
        }

        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        var scale = key.EndsWith("bias", StringComparison.Ordinal) ? 0.1 : Math.Sqrt(3 * gain / (values.Length / shape[0]));
        for (uint i = 0; i < values.Length; i++) values[i] = (float)(scale * ((Mix(Mix(i) ^ h) >> 8) / 8388608.0 - 1));
        return values;
    }
}
