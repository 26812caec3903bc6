using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Where the rows of deep prompts stand among a vision transformer's.</summary>
public enum PromptPlacement
{
    /// <summary>After the class token, and from block to block in each other's place (Jia et al. 2022, VPT-Deep).</summary>
    Insert,

    /// <summary>In the place of the first patches, which are lost, as SD-IPC's released code does (sd-ipc.md 6.4).</summary>
    Replace,
}

/// <summary>
/// What is learned on the input side of a frozen image tower: <see cref="DeepPrompts"/> of a vision transformer, a <see cref="BorderPrompt"/> of a convolutional one. It owns its weights, not the tower.
/// </summary>
public abstract class PicturePrompts(Weights weights) : IDisposable
{
    /// <summary>What is learned, by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Parameters => weights.All;

    /// <summary>New ones for a model's image tower.</summary>
    /// <param name="clip">Whose tower.</param>
    /// <param name="count">Rows a block; a border has none.</param>
    /// <param name="placement">Of the rows.</param>
    /// <param name="random">They are drawn from it.</param>
    public static PicturePrompts New(ClipModel clip, int count, PromptPlacement placement, Generator random) => TensorScope.Unscoped(() => Of(clip, Weights.New(random), count, placement));

    /// <summary>From tensors at hand, which it then owns.</summary>
    /// <param name="origin">For messages.</param>
    public static PicturePrompts From(ClipModel clip, IReadOnlyDictionary<string, Tensor> tensors, PromptPlacement placement, string origin) => TensorScope.Unscoped(() =>
    {
        var weights = Weights.From(tensors, origin, clip.Device);
        try
        {
            var made = Of(clip, weights, tensors.TryGetValue("prompts", out var rows) && rows.Dims == 3 ? (int)rows.Size(1) : 0, placement);
            weights.Complete();
            return made;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    });

    /// <summary>Normalised pictures [n, 3, h, w] to the shared space, [n, D].</summary>
    /// <param name="dropout">Random numbers of the training's dropout; null: none.</param>
    public abstract Tensor Forward(Tensor pixels, Generator? dropout = null, Trace? trace = null);

    public virtual void Dispose() => weights.Dispose();

    private static PicturePrompts Of(ClipModel clip, Weights weights, int count, PromptPlacement placement) => clip.Image is VisionTransformer tower
        ? new DeepPrompts(tower, weights, clip.Config.Vision, count, placement) : new BorderPrompt(clip.Image, weights, clip.ImageSize);
}
