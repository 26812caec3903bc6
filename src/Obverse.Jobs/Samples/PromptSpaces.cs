using Obverse.Diffusion;
using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>How well pictures and texts find each other in one space (SD-IPC, Table 1).</summary>
/// <param name="Space">"C", CLIP's shared space, or "T", the text tower's own, with the cutoff of the pseudo-inverse.</param>
/// <param name="Classes">The rank of the best right name of each labelled picture, 0 the best.</param>
/// <param name="Retrieval">Ranks of captions and their pictures; null without captions.</param>
public sealed record PromptSpace(string Space, IReadOnlyList<int> Classes, RetrievalRanks? Retrieval);

/// <summary>
/// Whether a picture is still known once it is a prompt: in T-space the picture is its embedding through the pseudo-inverse of the text projection and the text is the text
/// tower's row at the end token, before the projection (sd-ipc.md 6.6, Table 1). Cosines in both.
/// </summary>
public static class PromptSpaces
{
    private const int Texts = 64; // at once

    /// <summary>The text tower's row at each text's end token, [texts, width]; not projected.</summary>
    public static Tensor Ends(ClipModel clip, IReadOnlyList<string> texts, CancellationToken stop = default) => TensorScope.Of(() =>
    {
        using var still = new NoGrad();
        List<Tensor> rows = [];
        foreach (var some in texts.Chunk(Texts))
        {
            stop.ThrowIfCancellationRequested();
            rows.Add(TensorScope.Of(() =>
            {
                var ids = clip.Tokenize(some);
                var ends = clip.Text.Ends(ids);
                return clip.Text.Pool(clip.Text.Hidden(ids.Narrow(1, 0, (long)ends.Max().Item() + 1)), ends);
            }));
        }

        return Tensor.Cat([.. rows]);
    });

    /// <summary>C-space, and T-space for every cutoff.</summary>
    /// <param name="clip">Gives the texts' rows and the projection.</param>
    /// <param name="labelled">Embeddings of the labelled pictures, [n, D], of any length.</param>
    /// <param name="names">What they may be: each in the sentence "a photo of a {}.".</param>
    /// <param name="right">The right names of each.</param>
    /// <param name="captioned">Embeddings of the captioned pictures, the captions, and the picture of each; null: no retrieval.</param>
    /// <param name="cutoffs">Of the pseudo-inverse.</param>
    /// <param name="stop">Stops between batches of texts.</param>
    public static IReadOnlyList<PromptSpace> Measure(ClipModel clip, Tensor labelled, IReadOnlyList<string> names, IReadOnlyList<IReadOnlyList<int>> right, (Tensor Pictures, IReadOnlyList<string> Captions, IReadOnlyList<int> PictureOf)? captioned,
        IReadOnlyList<double> cutoffs, CancellationToken stop = default)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        var nameRows = Ends(clip, [.. names.Select(name => $"a photo of a {name}.")], stop);
        var captionRows = captioned is { } some ? Ends(clip, some.Captions, stop) : null;
        PromptSpace Of(string space, Func<Tensor, Tensor> picture, Func<Tensor, Tensor> text) => new(space, ZeroShot.Ranks(picture(labelled).Normalized().Matmul(text(nameRows).Normalized().T()), right),
            captioned is { } set ? RetrievalRecall.Ranks(text(captionRows!).Normalized().Matmul(picture(set.Pictures).Normalized().T()), set.PictureOf) : null);
        List<PromptSpace> spaces = [Of("C", x => x, clip.Text.Project)];
        foreach (var cutoff in cutoffs)
        {
            using var converter = new PromptConverter(clip.Weights.All["text_projection"], cutoff);
            spaces.Add(Of(FormattableString.Invariant($"T, {converter.Rank} of {converter.SingularValues.Count} singular values (cutoff {cutoff})"), converter.Unscaled, x => x));
        }

        return spaces;
    }
}
