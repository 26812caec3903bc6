using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Where the right name ranks in one kind of the judge's views, 1 the best; log-probabilities are means over the views, and so is the cosine between the picture's embedding and the right name's.</summary>
public sealed record Ranking(int Rank, double LogProbability, double Cosine, IReadOnlyList<(string Name, double LogProbability)> Top);

/// <summary>A judged picture: in low-pass views, which are the measure, and at full resolution, which texture inflates. <see cref="Names"/> is the number of candidates.</summary>
public sealed record Judgement(Ranking LowPass, Ranking FullResolution, int Names);

/// <summary>Cosines between the embeddings of two pictures: in low-pass views, and at full resolution.</summary>
public readonly record struct Likeness(double LowPass, double FullResolution);

/// <summary>
/// Classifies a picture by a second model that never draws, among the 1,000 names of ImageNet and the prompt itself. Adversarial texture transfers between non-robust
/// encoders; low-pass views remove it and leave shapes (spec zoo.md 8.6).
/// </summary>
public sealed class Judge : IDisposable
{
    private const int TopNames = 5;

    private readonly ClipEncoder encoder;
    private readonly bool owns;
    private readonly string[] names;
    private readonly int[] groups; // for every class the index of its name
    private readonly Tensor embeddings; // [classes, d]

    public Judge(ClipEncoder encoder, bool owns = false)
    {
        (this.encoder, this.owns) = (encoder, owns);
        var classes = ImageNet.Classes;
        names = [.. classes.Select(c => c.ClipName).Distinct()];
        var places = names.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => pair.i);
        groups = [.. classes.Select(c => places[c.ClipName])];
        embeddings = TensorScope.Unscoped(() => ZeroShot.Classifier(encoder.Embed, [.. classes.Select(c => c.ClipName)], Templates));
    }

    public static IReadOnlyList<string> Templates { get; } = ["{}", "a photo of a {}."];

    /// <summary>By folder or zoo name.</summary>
    public static Judge Load(string model = "pocket-judge", Device? device = null)
    {
        var encoder = ClipEncoder.Load(model, device, Precision.Float32); // so that figures agree between machines
        try
        {
            return new(encoder, owns: true);
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }

    /// <summary>How well a picture shows <paramref name="prompt"/>: a name of the list, or any text, which is then one more candidate.</summary>
    public Judgement Assess(Picture picture, string prompt)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        picture = picture.AtMost(1 << 24); // more would be gigabytes as floats
        var named = ImageNet.NamedBy(prompt);
        var candidates = embeddings;
        string[] all = names;
        int[] places = groups;
        if (named.Count == 0)
        {
            candidates = Tensor.Cat([embeddings, ZeroShot.Classifier(encoder.Embed, [prompt], ["{}"])]);
            (all, places) = ([.. names, prompt], [.. groups, names.Length]);
        }

        var right = named.Count == 0 ? [names.Length] : named.Select(c => groups[c]).ToHashSet();
        Ranking Seen(params Picture[] views)
        {
            double[][] cosines = [.. views.Select(view => Cosines(view, candidates))];
            return Rank([.. cosines.Select(view => LogProbabilities(view, places, all.Length))], right, all, cosines.Average(view => view.Where((_, c) => right.Contains(places[c])).Max()));
        }

        return new(Seen([.. LowPass(picture)]), Seen(picture), all.Length);
    }

    /// <summary>Cosine of the embeddings of two pictures, in low-pass views (the mean of the three) and at full resolution.</summary>
    public Likeness Likeness(Picture a, Picture b)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        double Cosine(Picture one, Picture other) => (See(one) * See(other)).Sum().Item();
        return new(LowPass(a).Zip(LowPass(b), Cosine).Average(), Cosine(a, b));
    }

    /// <summary>The three low-pass views: 48 px enlarged to 160; 32 to 128; 96 through a JPEG of quality 20 to 160.</summary>
    public static IEnumerable<Picture> LowPass(Picture picture)
    {
        picture = picture.OnWhite();
        yield return Shorter(Shorter(picture, 48), 160);
        yield return Shorter(Shorter(picture, 32), 128);
        yield return Shorter(Picture.Decode(Shorter(picture, 96).EncodeJpeg(20), "the judge's JPEG"), 160);
    }

    /// <summary>Pictures [n, 3, s, s] in 0 … 1 to the pooled features of the judge's trunk before its projection, [n, channels] (without a trunk: embeddings); for distances between sets of pictures.</summary>
    public Tensor Features(Tensor images) => encoder.Model.Image is TimmVision timm ? timm.Trunk.Features(encoder.Model.Normalize(images)) : encoder.Embed(images);

    public void Dispose()
    {
        embeddings.Dispose();
        if (owns) encoder.Dispose();
    }

    // [candidates]
    private double[] Cosines(Picture picture, Tensor candidates)
    {
        using var scope = new TensorScope();
        return Array.ConvertAll(See(picture).Matmul(candidates.T()).ToFloats(), cosine => (double)cosine);
    }

    // [1, d]: an encoder of any input side takes the picture at its own.
    private Tensor See(Picture picture) => (encoder.Model.Config.Vision.TimmName is not null ? encoder.At(Math.Min(picture.Width, picture.Height)) : encoder).Embed(picture.ToTensor());

    // [names]: the probability of a name is the sum over all classes of that name.
    private double[] LogProbabilities(double[] cosines, int[] places, int count)
    {
        var scale = Math.Exp(encoder.Model.LogitScale.Item());
        var most = cosines.Max();
        var sums = new double[count];
        for (var i = 0; i < cosines.Length; i++) sums[places[i]] += Math.Exp(scale * (cosines[i] - most));
        var all = sums.Sum();
        return Array.ConvertAll(sums, p => Math.Log(Math.Max(p / all, 1e-300)));
    }

    private static Ranking Rank(double[][] views, IReadOnlySet<int> right, string[] all, double cosine)
    {
        double[] mean = [.. Enumerable.Range(0, all.Length).Select(n => views.Average(view => view[n]))];
        var best = right.MaxBy(n => mean[n]);
        return new(1 + Enumerable.Range(0, all.Length).Count(n => !right.Contains(n) && mean[n] > mean[best]), mean[best], cosine,
            [.. Enumerable.Range(0, all.Length).OrderByDescending(n => mean[n]).Take(TopNames).Select(n => (all[n], mean[n]))]);
    }

    private static Picture Shorter(Picture picture, int side)
    {
        var scale = side / (double)Math.Min(picture.Width, picture.Height);
        return picture.Resize(Math.Max(1, (int)Math.Round(picture.Width * scale)), Math.Max(1, (int)Math.Round(picture.Height * scale)));
    }
}
