using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// A UNet's deep features, reused between neighbouring steps (DeepCache, Ma et al. 2023, arXiv 2312.00858): every <paramref name="interval"/>-th call is a full one; the others
/// compute only the outermost blocks, and take what lies below them from the last full call. Of one sampling, whose batch and size do not change.
/// </summary>
/// <param name="interval">1: every call is full.</param>
/// <param name="skips">
/// Skip connections that every call computes. 2: conv_in's and that of the first pair of blocks, the authors' branch 0 (github.com/horseee/DeepCache, cache_layer_id 0, cache_block_id 0).
/// </param>
public sealed class DeepFeatures(int interval, int skips = 2) : IDisposable
{
    private const string Planes = "deep", Rows = "deep.rows"; // [n, channels, h, w]; [n, h, w, channels]

    private Tensor? features;

    public int Interval { get; } = interval >= 1 ? interval : throw new ArgumentOutOfRangeException(nameof(interval), interval, "an interval of at least 1 was wanted");

    /// <inheritdoc cref="DeepFeatures"/>
    public int Skips { get; } = skips >= 1 ? skips : throw new ArgumentOutOfRangeException(nameof(skips), skips, "at least 1 skip connection was wanted");

    /// <summary>Calls so far, and how many of them were full.</summary>
    public int Calls { get; private set; }

    /// <inheritdoc cref="Calls"/>
    public int FullCalls { get; private set; }

    /// <summary>
    /// What the last full call found, by name, for a checkpoint. With the channels of a place side by side it must come back so: laid out otherwise the same numbers can be another kernel's, which rounds
    /// otherwise (seen with AVX-512).
    /// </summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Save()
    {
        if (features is null) return [];
        return [!features.IsContiguous && features.Permute(0, 2, 3, 1) is { IsContiguous: true } rows ? new(Rows, rows) : new(Planes, features)];
    }

    /// <summary>Goes on where another stopped, after so many calls.</summary>
    /// <param name="calls">Its <see cref="Calls"/>.</param>
    /// <param name="saved">What <see cref="Save"/> gave, by name; null for a name that was not there.</param>
    public void Restore(int calls, Func<string, Tensor?> saved)
    {
        Calls = calls;
        features?.Dispose();
        features = (saved(Rows)?.Permute(0, 3, 1, 2) ?? saved(Planes))?.OwnedCopy();
    }

    public void Dispose() => features?.Dispose();

    /// <summary>Whether the call that begins now is a full one.</summary>
    internal bool Begin()
    {
        var isFull = features is null || Calls % Interval == 0;
        Calls++;
        if (isFull) FullCalls++;
        return isFull;
    }

    /// <summary>Where the deep blocks end: a full call leaves its features, another takes them.</summary>
    internal Tensor Pass(Tensor found, bool isFull)
    {
        if (!isFull) return features!;
        if (Interval == 1) return found;
        features?.Dispose();
        features = found.OwnedCopy();
        return found;
    }
}
