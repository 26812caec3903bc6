using Obverse.Torch;

namespace Obverse;

/// <summary>The random numbers of one view: named tensors, one row a picture. A number that a whole batch shares may also be one number alone.</summary>
public sealed class ViewParameters : Dictionary<string, Tensor>
{
    /// <summary>The parameters of a view without random ones.</summary>
    public static ViewParameters None => new();

    public Tensor Get(string name) => TryGetValue(name, out var found) ? found : throw new KeyNotFoundException($"no parameter '{name}'; there are: {string.Join(", ", Keys.Order(StringComparer.Ordinal))}");

    /// <summary>On the device, and of the element type, of the pictures it meets.</summary>
    public Tensor Get(string name, Tensor like)
    {
        var found = Get(name);
        return found.Device == like.Device && found.DType == like.DType ? found : found.To(like.Device, like.DType);
    }

    /// <summary>One number a picture: [count, 1, 1, 1].</summary>
    public Tensor Each(string name, Tensor like) => Get(name, like).Reshape(-1, 1, 1, 1);

    /// <summary>All the numbers, row-major; a single one repeated <paramref name="count"/> times.</summary>
    public double[] Numbers(string name, long count = 1)
    {
        using var doubles = Get(name).Detach().To(DType.Float64);
        var numbers = doubles.ToArray<double>();
        return numbers.Length == 1 && count > 1 ? [.. Enumerable.Repeat(numbers[0], (int)count)] : numbers;
    }

    /// <inheritdoc cref="Numbers"/>
    public long[] Integers(string name, long count = 1) => Array.ConvertAll(Numbers(name, count), n => (long)n);

    /// <summary>Whether each picture is touched: "on" &gt; 0; all are where nothing was drawn.</summary>
    public bool[] On(long count) => ContainsKey("on") ? Array.ConvertAll(Numbers("on", count), n => n > 0) : [.. Enumerable.Repeat(true, (int)count)];

    /// <summary>The parameter "on", [count]: 1 with the probability given, else 0. At probability 1 nothing is drawn.</summary>
    internal ViewParameters Sometimes(Generator random, double probability, long count)
    {
        if (probability < 1) this["on"] = (random.Uniform(0, 1, count) < probability).To(DType.Float32);
        return this;
    }
}
