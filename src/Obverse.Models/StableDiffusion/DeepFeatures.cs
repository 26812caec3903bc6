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
    private Tensor? features;

    public int Interval { get; } = interval >= 1 ? interval : throw new ArgumentOutOfRangeException(nameof(interval), interval, "an interval of at least 1 was wanted");

    /// <inheritdoc cref="DeepFeatures"/>
    public int Skips { get; } = skips >= 1 ? skips : throw new ArgumentOutOfRangeException(nameof(skips), skips, "at least 1 skip connection was wanted");

    /// <summary>Calls so far, and how many of them were full.</summary>
    public int Calls { get; private set; }

    /// <inheritdoc cref="Calls"/>
    public int FullCalls { get; private set; }

    /// <summary>What the last full call found, [n, channels, h, w]; it owns it.</summary>
    public Tensor? Features => features;

    /// <summary>Goes on where another stopped.</summary>
    public void Restore(int calls, Tensor? found)
    {
        Calls = calls;
        features?.Dispose();
        features = found?.OwnedCopy();
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
