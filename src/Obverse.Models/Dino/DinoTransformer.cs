using System.Text.RegularExpressions;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// DINO's vision transformer (Caron et al. 2021; facebookresearch/dino, vision_transformer.py) and DINOv2's (Oquab et al. 2024), by timm's and their own names: CLIP's blocks under other names, with the
/// exact GELU and eps 1e-6; DINOv2's layer scales are folded into the matrices before them. Its feature is the class token after the final norm.
/// </summary>
public sealed partial class DinoTransformer : IDisposable
{
    private const double Epsilon = 1e-6;
    private const int HeadWidth = 64; // of every published one

    private static readonly double[] mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225]; // ImageNet's

    private readonly Weights weights;
    private readonly Tensor classToken, positions, patches, patchBias;
    private readonly Tensor? registers;
    private readonly ResidualAttentionBlock[] blocks;
    private readonly LayerNorm norm;

    /// <param name="tensors">A state dict, which the network then owns.</param>
    /// <param name="origin">For messages.</param>
    /// <param name="heads">Of attention; 64 numbers each unless given.</param>
    public DinoTransformer(IReadOnlyDictionary<string, Tensor> tensors, string origin, int? heads = null)
    {
        if (!tensors.TryGetValue("cls_token", out var token) || !tensors.TryGetValue("patch_embed.proj.weight", out var patch) || token.Dims != 3 || patch.Dims != 4)
            throw new WeightsException($"{origin}: no DINO by the names of its {tensors.Count} tensors; cls_token and patch_embed.proj.weight are wanted") { IsUnsupported = true };
        if (tensors.Keys.FirstOrDefault(name => name.Contains(".mlp.w12.", StringComparison.Ordinal)) is { } gated) throw new WeightsException($"{origin}: '{gated}' belongs to DINOv2's largest model, whose gated blocks are not built") { IsUnsupported = true };
        (Width, PatchSize) = ((int)token.Size(2), (int)patch.Size(2));
        var layers = 1 + tensors.Keys.Select(name => Block().Match(name)).Where(match => match.Success).Select(match => int.Parse(match.Groups[1].ValueSpan)).DefaultIfEmpty(-1).Max();
        weights = Weights.From(Renamed(tensors), origin);
        foreach (var (name, tensor) in tensors) if (Folds(name, tensors) || name.EndsWith(".gamma", StringComparison.Ordinal)) tensor.Dispose(); // others stand in for them
        classToken = weights.Get("cls_token", [1, 1, Width]);
        positions = weights.Find("pos_embed") ?? throw new WeightsException($"{origin}: tensor 'pos_embed' is missing");
        registers = weights.Find("register_tokens");
        patches = (weights / "patch_embed" / "proj").Get("weight", [Width, 3, PatchSize, PatchSize]);
        patchBias = (weights / "patch_embed" / "proj").Get("bias", [Width]);
        var mlp = layers == 0 ? 4 * Width : (int)(weights.Find("blocks.0.mlp.c_fc.bias")?.Elements ?? 4 * Width);
        var shape = new TransformerShape(Width, layers, heads ?? Math.Max(1, Width / HeadWidth), mlp, Activation.Gelu, Epsilon);
        blocks = [.. Enumerable.Range(0, layers).Select(i => new ResidualAttentionBlock(weights / "blocks" / i, shape))];
        norm = new(weights / "norm", Width, Epsilon);
        weights.Complete(name => name is "mask_token" or "head.weight" or "head.bias");
        Side = (int)Math.Round(Math.Sqrt(positions.Size(1) - 1)) * PatchSize;
    }

    public int Width { get; }
    public int PatchSize { get; }

    /// <summary>The side in pixels that its positions are of; others are interpolated.</summary>
    public int Side { get; }

    /// <summary>From a published file: dino_deitsmall16_pretrain.pth, dinov2_vits14_pretrain.pth, or timm's.</summary>
    public static DinoTransformer Load(string path) => TensorScope.Unscoped(() =>
    {
        var tensors = WeightFiles.Read(path);
        try
        {
            return new DinoTransformer(tensors, path);
        }
        catch
        {
            foreach (var tensor in tensors.Values) tensor.Dispose();
            throw;
        }
    });

    /// <summary>The picture as DINO's own evaluation prepares it (eval_knn.py): shorter side to 256 by Pillow's bicubic, the middle 224. timm's settings resize to 248, and features differ.</summary>
    public static byte[] Crop(Picture picture, int resize = 256, int side = 224)
    {
        var (w, h) = (picture.Width, picture.Height);
        var (toW, toH) = w <= h ? (resize, (int)((long)resize * h / w)) : ((int)((long)resize * w / h), resize);
        var resized = picture.OnWhite().Resize(toW, toH);
        int Offset(int length) => (int)Math.Round((length - side) / 2.0, MidpointRounding.ToEven);
        return resized.Crop(Offset(toW), Offset(toH), side, side).Rgb.ToArray();
    }

    /// <summary>Pictures in 0 … 1 by ImageNet's mean and deviation.</summary>
    public static Tensor Normalize(Tensor images) => (images - Tensor.From(mean, 1, 3, 1, 1).To(DType.Float32)) / Tensor.From(std, 1, 3, 1, 1).To(DType.Float32);

    /// <summary>Normalised pictures [n, 3, h, w], sides multiples of the patch, to class tokens [n, width].</summary>
    public Tensor Forward(Tensor pixels, Trace? trace = null)
    {
        var (n, rows, columns) = (pixels.Size(0), pixels.Size(2) / PatchSize, pixels.Size(3) / PatchSize);
        if (rows * PatchSize != pixels.Size(2) || columns * PatchSize != pixels.Size(3) || rows * columns == 0) throw new ArgumentException($"DINO: pictures of {pixels.Size(2)} x {pixels.Size(3)} given, multiples of the patch's {PatchSize} pixels are wanted");
        var x = PatchEmbedding.Of(pixels, patches, patchBias);
        trace?.Add("patch_embed", x);
        x = Tensor.Cat([classToken.Expand(n, 1, Width), x], 1) + Positions(rows, columns);
        if (registers is not null) x = Tensor.Cat([x.Narrow(1, 0, 1), registers.Expand(n, registers.Size(1), Width), x.Narrow(1, 1, rows * columns)], 1);
        trace?.Add("embedded", x);
        for (var i = 0; i < blocks.Length; i++)
        {
            x = trace is null && i == blocks.Length - 1 ? blocks[i].First(x) : blocks[i].Forward(x, causal: false, trace, i);
            trace?.Add($"block.{i}", x);
        }

        x = norm.Forward(x);
        trace?.Add("norm", x);
        return x.Select(1, 0);
    }

    public void Dispose() => weights.Dispose();

    // Bicubic (a = -0.75) without antialias, by a scale a tenth of a patch too large: the originals' guard against rounding shows in the result. Those with registers have neither.
    private Tensor Positions(long rows, long columns)
    {
        var side = Side / PatchSize;
        if ((rows, columns) == (side, side)) return positions;
        var grid = positions.Narrow(1, 1, positions.Size(1) - 1).Reshape(1, side, side, Width).Permute(0, 3, 1, 2);
        var resized = registers is null ? grid.Resize(rows, columns, Interpolation.Bicubic, scale: ((rows + 0.1) / side, (columns + 0.1) / side)) : grid.Resize(rows, columns, Interpolation.Bicubic, antialias: true);
        return Tensor.Cat([positions.Narrow(1, 0, 1), resized.Permute(0, 2, 3, 1).Reshape(1, rows * columns, Width)], 1);
    }

    private static IEnumerable<KeyValuePair<string, Tensor>> Renamed(IReadOnlyDictionary<string, Tensor> tensors)
    {
        foreach (var (name, tensor) in tensors)
        {
            if (Block().Match(name) is not { Success: true } match)
            {
                yield return new(name, tensor);
                continue;
            }

            var (block, part) = (match.Value, name[match.Length..]);
            if (part is "ls1.gamma" or "ls2.gamma") continue;
            var renamed = part.Replace("norm1", "ln_1", StringComparison.Ordinal).Replace("norm2", "ln_2", StringComparison.Ordinal).Replace("attn.qkv.", "attn.in_proj_", StringComparison.Ordinal)
                .Replace("attn.proj", "attn.out_proj", StringComparison.Ordinal).Replace("mlp.fc1", "mlp.c_fc", StringComparison.Ordinal).Replace("mlp.fc2", "mlp.c_proj", StringComparison.Ordinal);
            yield return new(block + renamed, Folds(name, tensors) ? Tensor.Owned(() => tensor * (tensors[Scale(name)!] is var gamma && tensor.Dims == 2 ? gamma.Unsqueeze(1) : tensors[Scale(name)!])) : tensor);
        }
    }

    private static bool Folds(string name, IReadOnlyDictionary<string, Tensor> tensors) => Scale(name) is { } scale && tensors.ContainsKey(scale);

    // The layer scale that stands after a matrix.
    private static string? Scale(string name) =>
        name.IndexOf(".attn.proj.", StringComparison.Ordinal) is > 0 and var at ? name[..at] + ".ls1.gamma" : name.IndexOf(".mlp.fc2.", StringComparison.Ordinal) is > 0 and var place ? name[..place] + ".ls2.gamma" : null;

    [GeneratedRegex(@"^blocks\.(\d+)\.")]
    private static partial Regex Block();
}
