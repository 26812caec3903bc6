using System.Text;
using System.Text.Json;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Networks;

/// <summary>Weights that follow from a formula in place of files of hundreds of megabytes (fixture `networks`, README).</summary>
internal static class ProceduralWeights
{
    /// <summary>Every tensor that NAME_weights.json lists, checked against what it says of them.</summary>
    public static Dictionary<string, Tensor> Of(string weightsJson)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(weightsJson)));
        var (salt, gain) = (json.RootElement.GetProperty("salt").GetString()!, json.RootElement.GetProperty("gain2").GetDouble());
        var made = new Dictionary<string, Tensor>();
        foreach (var one in json.RootElement.GetProperty("tensors").EnumerateObject())
        {
            long[] shape = [.. one.Value.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64())];
            var values = Values(salt, one.Name, shape, gain);
            var first = one.Value.GetProperty("first").EnumerateArray().Select(value => value.GetDouble()).ToArray();
            for (var i = 0; i < first.Length && i < values.Length; i++) Assert.Equal(first[i], values[i]);
            Assert.Equal(one.Value.GetProperty("last").GetDouble(), values[^1]);
            made.Add(one.Name, TensorScope.Unscoped(() => Tensor.From(values, shape)));
        }

        return made;
    }

    public static float[] Values(string salt, string key, long[] shape, double gain)
    {
        var h = 2166136261u;
        foreach (var b in Encoding.UTF8.GetBytes($"{salt}/{key}")) h = (h ^ b) * 16777619u;
        var elements = shape.Aggregate(1L, (product, side) => product * side);
        if (key.EndsWith("num_batches_tracked", StringComparison.Ordinal)) return new float[elements];
        var (offset, factor) =
            key.EndsWith("running_var", StringComparison.Ordinal) ? (1, 0.5) :
            key.EndsWith("running_mean", StringComparison.Ordinal) ? (0, 0.1) :
            key.EndsWith("weight", StringComparison.Ordinal) && shape.Length == 1 ? (1, 0.1) :
            key.EndsWith("bias", StringComparison.Ordinal) ? (0, 0.1) :
            key.EndsWith("weight", StringComparison.Ordinal) ? (0, Math.Sqrt(3 * gain / (elements / (double)shape[0]))) :
            (0, 0.5);
        var values = new float[elements];
        for (var i = 0u; i < values.Length; i++) values[i] = (float)(offset + factor * ((Mix(Mix(i) ^ h) >> 8) / 8388608.0 - 1));
        return values;
    }

    private static uint Mix(uint x)
    {
        x ^= x >> 16;
        x *= 0x7feb352d;
        x ^= x >> 15;
        x *= 0x846ca68b;
        return x ^ (x >> 16);
    }
}
