using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>How long a converted picture's vector is (sd-ipc.md 6.2).</summary>
public enum NormRule
{
    /// <summary>As the released script does: of length <see cref="PromptConverter.Length"/> in the text tower's own space, 27.5 for CLIP ViT-L/14.</summary>
    Script,

    /// <summary>As eq. 6 has it: multiplied by <see cref="PromptConverter.Length"/> over the length of the picture's embedding, 27 for CLIP ViT-L/14.</summary>
    Paper,
}

/// <summary>What an edit adds to the converted picture in the rows from the end token on (eq. 8).</summary>
public enum EditRule
{
    /// <summary>The end token's row, to all of them.</summary>
    Paper,

    /// <summary>Each row's own, as the released script does.</summary>
    Script,
}

/// <summary>
/// A picture as the prompt (SD-IPC, Ding et al. 2023, eq. 5-8): its CLIP embedding through the pseudo-inverse of the text projection is a vector as the text tower gives at the end
/// token; filled into the rows of a prompt, Stable Diffusion varies the picture.
/// </summary>
public sealed class PromptConverter : IDisposable
{
    /// <summary>Smaller singular values of the text projection are left out (footnote 6).</summary>
    public const double DefaultCutoff = 0.3;

    private readonly Tensor inverse; // [D, width]: rows times it

    /// <param name="textProjection">[width, D], as open_clip has it: rows times it.</param>
    /// <param name="cutoff">Absolute.</param>
    public PromptConverter(Tensor textProjection, double cutoff = DefaultCutoff)
    {
        if (!double.IsFinite(cutoff) || cutoff < 0) throw new ArgumentOutOfRangeException(nameof(cutoff), cutoff, "a cutoff of 0 or more was wanted");
        (inverse, SingularValues, Rank) = PseudoInverse(textProjection, cutoff);
    }

    /// <summary>Of the text projection, descending.</summary>
    public IReadOnlyList<double> SingularValues { get; }

    /// <summary>How many of them are used.</summary>
    public int Rank { get; }

    public NormRule Norm { get; init; } = NormRule.Script;

    /// <summary>Null: 27.5 for the script's rule and 27 for the paper's, which belong to CLIP ViT-L/14; other text towers have other lengths (`obverse ipc measure`).</summary>
    public double? Length { get; init; }

    /// <summary>A trained layer in the place of the pseudo-inverse, [width, D], on normalised embeddings (SD-IPC-FC, sd-ipc.md 6.4); null: the pseudo-inverse.</summary>
    public Tensor? Learned { get; init; }

    /// <summary>The pseudo-inverse as the weight of a layer, [width, D]: a copy, of the caller.</summary>
    public Tensor Weight() => Tensor.Owned(() => inverse.T().Contiguous());

    /// <summary>Picture embeddings in the shared space [n, D], not normalised, to vectors of the text tower's space [n, width], not scaled.</summary>
    public Tensor Unscaled(Tensor embeddings) => Learned is null ? embeddings.Matmul(inverse) : embeddings.Normalized().Linear(Learned);

    /// <summary>The same, of the length that <see cref="Norm"/> says: f_cnvrt of the paper.</summary>
    public Tensor Convert(Tensor embeddings)
    {
        var found = Unscaled(embeddings);
        return Norm == NormRule.Script ? found * ((Length ?? 27.5) / found.Norm(-1, keep: true)) : found * ((Length ?? 27) / embeddings.Norm(-1, keep: true));
    }

    /// <summary>A prompt that is the picture (eq. 7): the start token's row, then the converted vector in all others: [n, width] to [n, rows, width].</summary>
    /// <param name="converted">From <see cref="Convert"/>.</param>
    /// <param name="textRows">Rows of any text, [1, rows, width]: its first is every text's.</param>
    public static Tensor Variation(Tensor converted, Tensor textRows)
    {
        var (n, rows, width) = (converted.Size(0), textRows.Size(1), converted.Size(1));
        return Tensor.Cat([textRows.Narrow(0, 0, 1).Narrow(1, 0, 1).Expand(n, 1, width), converted.Unsqueeze(1).Expand(n, rows - 1, width)], 1);
    }

    /// <summary>A prompt that is the picture changed by a text (eq. 8): the text's rows before its end token at <paramref name="end"/>, then the converted vector plus alpha times the text's end.</summary>
    /// <param name="converted">[1, width].</param>
    /// <param name="textRows">[1, rows, width].</param>
    /// <param name="end">The row of the first end token: words + 1.</param>
    /// <param name="alpha">How much of the text; 0.9 in the paper's experiments.</param>
    /// <param name="rule">Which rows of the text are added.</param>
    public static Tensor Edit(Tensor converted, Tensor textRows, int end, double alpha, EditRule rule = EditRule.Paper)
    {
        if (!double.IsFinite(alpha)) throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "a finite alpha was wanted");
        var rows = textRows.Size(1);
        if (end < 1 || end >= rows) throw new ArgumentOutOfRangeException(nameof(end), end, $"an end token in row 1 to {rows - 1} was wanted");
        var text = rule == EditRule.Paper ? textRows.Narrow(1, end, 1) : textRows.Narrow(1, end, rows - end);
        var combined = (converted.Unsqueeze(1) + text * alpha).Expand(converted.Size(0), rows - end, converted.Size(1));
        return Tensor.Cat([textRows.Narrow(1, 0, end).Expand(converted.Size(0), end, converted.Size(1)), combined], 1);
    }

    /// <summary>A prompt that is several pictures: the rows from <paramref name="end"/> on are shared out among them by weight, and a text may change all of them as in <see cref="Edit"/>.</summary>
    /// <param name="converted">[n, width].</param>
    /// <param name="textRows">[1, rows, width].</param>
    /// <param name="weights">One a picture.</param>
    /// <param name="end">1 where there is no text.</param>
    /// <param name="alpha">0 where there is no text.</param>
    /// <param name="rule">Which rows of the text are added.</param>
    public static Tensor Shared(Tensor converted, Tensor textRows, ReadOnlySpan<double> weights, int end = 1, double alpha = 0, EditRule rule = EditRule.Paper)
    {
        var left = (int)textRows.Size(1) - end;
        if (weights.Length > left) throw new ArgumentException($"{weights.Length} reference pictures for {left} rows of a prompt; use fewer, or their mean");
        var shares = ReferenceMeans.Rows(left, weights);
        var of = Tensor.From([.. shares.SelectMany((count, i) => Enumerable.Repeat((long)i, count))]).To(converted.Device);
        var filled = converted.IndexSelect(0, of).Unsqueeze(0);
        if (alpha != 0) filled = filled + (rule == EditRule.Paper ? textRows.Narrow(1, end, 1) : textRows.Narrow(1, end, left)) * alpha;
        return Tensor.Cat([textRows.Narrow(1, 0, end), filled], 1);
    }

    public void Dispose() => inverse.Dispose();

    /// <summary>V Σ⁺ Uᵀ of U Σ Vᵀ with the singular values below the cutoff left out, in float64: of [rows, columns] it is [columns, rows].</summary>
    internal static (Tensor Inverse, IReadOnlyList<double> SingularValues, int Rank) PseudoInverse(Tensor matrix, double cutoff)
    {
        double[] values = [];
        var kept = 0;
        var inverse = Tensor.Owned(() =>
        {
            using var still = new NoGrad();
            var (u, s, vh) = matrix.Detach().To(DType.Float64).Svd();
            values = s.ToArray<double>();
            kept = values.Count(value => value >= cutoff && value > 0);
            if (kept == 0) return Tensor.Zeros([matrix.Size(1), matrix.Size(0)]).To(matrix.Device);
            return (vh.Narrow(0, 0, kept).T() / s.Narrow(0, 0, kept)).Matmul(u.Narrow(1, 0, kept).T()).To(DType.Float32);
        });
        return (inverse, values, kept);
    }
}
