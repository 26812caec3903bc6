using System.Text.Json;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Networks;

/// <summary>DINOv2 against a second writing of it in numpy (tests/fixtures/dinov2.py): layer scales, registers, positions of another side. The published weights and the original library were not at hand.</summary>
public class DinoV2Tests
{
    private static readonly JsonElement stored = JsonDocument.Parse(File.ReadAllText(Path.Combine(Fixtures.RepositoryRoot, "tests", "fixtures", "networks", "dinov2.json"))).RootElement;

    public static TheoryData<string> Cases => [.. stored.GetProperty("cases").EnumerateObject().Select(one => one.Name)];

    // As `weight` of the script.
    private static Tensor Formula(int number, long[] shape, double scale, double offset) =>
        Tensor.From([.. Enumerable.Range(0, (int)shape.Aggregate(1L, (product, side) => product * side)).Select(i => (float)(offset + scale * Math.Sin(1.3 * i + 0.7 * number)))], shape);

    private static double Number(JsonElement of, string name) => of.GetProperty(name).GetDouble();

    private static float[] Feature(JsonElement one, Func<string, double> scaled)
    {
        using var scope = new TensorScope();
        var tensors = TensorScope.Unscoped(() => one.GetProperty("tensors").EnumerateArray().Index().ToDictionary(pair => pair.Item.GetProperty("name").GetString()!, pair =>
            Formula(pair.Index, [.. pair.Item.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64())], Number(pair.Item, "scale") * scaled(pair.Item.GetProperty("name").GetString()!), Number(pair.Item, "offset"))));
        using var network = TensorScope.Unscoped(() => new DinoTransformer(tensors, "toy", stored.GetProperty("heads").GetInt32()));
        return network.Forward(Formula(99, [1, 3, one.GetProperty("height").GetInt64(), one.GetProperty("width").GetInt64()], 1, 0)).ToFloats();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_class_token_is_what_numpy_computes(string name)
    {
        var one = stored.GetProperty("cases").GetProperty(name);
        double[] wanted = [.. one.GetProperty("feature").EnumerateArray().Select(value => value.GetDouble())];
        var got = Feature(one, _ => 1);
        for (var i = 0; i < wanted.Length; i++) Assert.Equal(wanted[i], got[i], 2e-5);
        // The layer scales count: without their pattern it is another feature.
        Assert.True(Feature(one, tensor => tensor.EndsWith(".gamma", StringComparison.Ordinal) ? 0 : 1).Zip(wanted, (a, b) => Math.Abs(a - b)).Max() > 1e-2);
    }
}
