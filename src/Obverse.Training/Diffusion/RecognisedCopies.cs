using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// How well a CLIP tells the copy that an autoencoder makes of each latent: the logarithm of the probability of its name among all names of the set. At a few dozen pixels most
/// photographs show nothing; a model that is trained on those that do can draw what can be recognised. Published sets are cut by CLIP's cosine likewise (LAION, Schuhmann et al. 2022).
/// </summary>
internal static class RecognisedCopies
{
    private const int Side = 128, Batch = 32;

    /// <summary>Of each name the <paramref name="count"/> photographs and as many drawings that are recognised best; row numbers, rising.</summary>
    public static int[] Best(IReadOnlyList<ViewRow> rows, IReadOnlyList<string> names, IReadOnlyList<float> recognised, int count) =>
        [.. Enumerable.Range(0, rows.Count).GroupBy(i => (rows[i].Kind, names[i])).SelectMany(same => same.OrderByDescending(i => recognised[i]).ThenBy(i => i).Take(count)).Order()];

    /// <summary>A number for every row of <paramref name="latents"/>, at most 0; read from <paramref name="file"/> where that was made of the same names by the same CLIP.</summary>
    /// <param name="latents">[rows, channels x side x side].</param>
    /// <param name="names">Of each row.</param>
    /// <returns>Null where it was stopped.</returns>
    public static float[]? Of(FeatureCache latents, IReadOnlyList<string> names, Autoencoder autoencoder, ClipModel clip, string file, Action<WorkProgress>? progress = null, CancellationToken cancel = default)
    {
        var (config, count) = (autoencoder.Config, names.Count);
        var made = $"{CaptionRows.Fingerprint(clip)} {Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', names))))}";
        if (File.Exists(file))
        {
            using var stored = Safetensors.Open(file);
            using var before = new TensorScope();
            if (stored.Metadata.GetValueOrDefault("of") == made) return stored["recognised"].ToFloats();
        }

        var (side, watch) = (config.SampleSize / config.Stride, System.Diagnostics.Stopwatch.StartNew());
        using var still = new NoGrad();
        using var scope = new TensorScope();
        var all = names.Distinct().ToArray();
        var places = all.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => (long)pair.i);
        var encoder = new ClipEncoder(clip, "the text encoder's CLIP");
        if (clip.Config.Vision.TimmName is not null) encoder = encoder.At(Side);
        var classifier = ZeroShot.Classifier(encoder.Embed, all, Judge.Templates).T() * clip.LogitScale.Exp();
        List<float> found = new(count);
        while (found.Count < count)
        {
            if (cancel.IsCancellationRequested) return null;
            long[] some = [.. Enumerable.Range(found.Count, Math.Min(Batch, count - found.Count)).Select(i => (long)i)];
            found.AddRange(TensorScope.Of(() =>
            {
                var copies = autoencoder.ToPictures(latents.Take(some).Reshape(some.Length, config.LatentChannels, side, side));
                return encoder.Embed(copies).Matmul(classifier).LogSoftmax(1).Gather(1, Tensor.From(Array.ConvertAll(some, i => places[names[(int)i]]), some.Length, 1));
            }).ToFloats());
            if (found.Count == count || found.Count / Batch % 64 == 0) progress?.Invoke(new(found.Count, count, watch.Elapsed, watch.Elapsed / found.Count * (count - found.Count), string.Create(CultureInfo.InvariantCulture, $"copies recognised, {found.Count / watch.Elapsed.TotalSeconds:F0} a second")));
        }

        Safetensors.Save(file, [new("recognised", Tensor.From([.. found], count))], new Dictionary<string, string> { ["of"] = made });
        return [.. found];
    }
}
