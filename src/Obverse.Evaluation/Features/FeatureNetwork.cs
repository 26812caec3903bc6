using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>A frozen network whose features metrics are taken over. Report its name with every number: those of two networks cannot be compared.</summary>
public abstract class FeatureNetwork : IDisposable
{
    /// <summary>As tables show it.</summary>
    public abstract string Name { get; }

    /// <summary>All that features depend on beside the picture: weights by hash, preparation, precision. Cached ones are found by it.</summary>
    public abstract string Key { get; }

    /// <summary>Numbers a picture.</summary>
    public abstract int Width { get; }

    /// <summary>Classes that it tells apart; 0: none.</summary>
    public virtual int Classes => 0;

    /// <summary>The bytes of a picture's file as the network takes it: [1, 3, h, w], one size for all.</summary>
    public abstract Tensor Prepare(byte[] file, string name);

    /// <summary>Prepared pictures [n, 3, h, w] to [n, <see cref="Width"/>].</summary>
    public abstract Tensor Features(Tensor pictures);

    /// <summary>Class scores of features, before the softmax: [n, <see cref="Classes"/>].</summary>
    public virtual Tensor Classify(Tensor features) => throw new NotSupportedException($"{Name} has no classes, which Inception Score is taken over");

    /// <summary>Texts to [n, <see cref="Width"/>].</summary>
    public virtual Tensor Embed(IReadOnlyList<string> texts) => throw new NotSupportedException($"{Name} reads no texts; a CLIP was wanted");

    public virtual bool ReadsTexts => false;

    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>By the tensors in a file: Inception, DINO, an EfficientNet-Lite with its classifier; else a CLIP by folder, file or zoo name.</summary>
    /// <param name="name">A path, or a name of the zoo.</param>
    /// <param name="input">How Inception's pictures are prepared.</param>
    /// <param name="pooled">Of a CLIP: the features before its projection (of a trunk of timm's), not embeddings.</param>
    /// <param name="device">For a CLIP.</param>
    public static FeatureNetwork Load(string name, InceptionInput input = InceptionInput.PytorchFid, bool pooled = false, Device? device = null)
    {
        if (File.Exists(name) && !name.Contains(':', StringComparison.Ordinal))
        {
            if (EfficientNetLite.Knows(Path.GetFileName(name))) return new LiteFeatures(name);
            using var file = WeightFile.Open(name);
            HashSet<string> names = [.. WeightFiles.StateDict(file.Names).Select(pair => pair.To)];
            if (names.Contains("Conv2d_1a_3x3.conv.weight")) return new InceptionFeatures(name, input);
            if (names.Contains("cls_token") && names.Contains("patch_embed.proj.weight")) return new DinoFeatures(name);
        }

        return new ClipFeatures(name, pooled, device);
    }

    /// <summary>SHA-256 of a weights file, its first half: enough to tell files apart.</summary>
    protected static string HashOf(string path) => StoredFile.Hash(path)[..32];
}
