using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>A distance between two pictures of one size.</summary>
/// <param name="Name">As commands name it.</param>
/// <param name="Title">As tables show it.</param>
/// <param name="About">A sentence for help.</param>
/// <param name="HigherIsBetter">Whether larger values are better.</param>
/// <param name="Of">Null: it wants weights (LPIPS).</param>
public sealed record PairKind(string Name, string Title, string About, bool HigherIsBetter, Func<Picture, Picture, double>? Of)
{
    public static IReadOnlyList<PairKind> All { get; } =
    [
        new("psnr", "PSNR", "PSNR of two sets' pictures of one name.", true, ImageQuality.Psnr),
        new("ssim", "SSIM", "SSIM of two sets' pictures of one name (Gaussian window; Wang and others 2004).", true, (a, b) => ImageQuality.Ssim(a, b)),
        new("ms-ssim", "MS-SSIM", "MS-SSIM of two sets' pictures of one name.", true, (a, b) => ImageQuality.MultiScaleSsim(a, b)),
        new("edges", "edge correlation", "Correlation of the contours (Sobel's gradient magnitudes) of two sets' pictures of one name.", true, EdgeCorrelation.Of),
        new("lpips", "LPIPS", "LPIPS v0.1 of two sets' pictures of one name; its weights are given as files.", false, null),
    ];

    /// <summary>By its name; null: none.</summary>
    public static PairKind? Find(string name) => All.FirstOrDefault(kind => kind.Name == name);

    /// <summary>LPIPS names its backbone.</summary>
    public string TitleOf(LpipsNetwork? network) => network is { } named ? $"{Title} ({named.ToString().ToLowerInvariant()})" : Title;

    /// <summary>A LPIPS as such a distance; it stays the caller's.</summary>
    public static Func<Picture, Picture, double> Lpips(Lpips network) => (a, b) =>
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        return network.Between(a.ToTensor(), b.ToTensor()).Item();
    };

    /// <summary>Pictures of two sets whose names, without folders above the sets and without endings, are equal, in the order of the first; the others are counted.</summary>
    public static (IReadOnlyList<(int A, int B)> Pairs, int Alone) Match(PictureSource a, PictureSource b)
    {
        var places = b.Pictures.Index().GroupBy(pair => Bare(pair.Item.Name)).ToDictionary(group => group.Key, group => group.First().Index);
        (int, int)[] pairs = [.. a.Pictures.Index().Where(pair => places.ContainsKey(Bare(pair.Item.Name))).Select(pair => (pair.Index, places[Bare(pair.Item.Name)]))];
        return (pairs, a.Pictures.Count + b.Pictures.Count - 2 * pairs.Length);
    }

    /// <summary>The pictures of two sets that have a partner, each pair a subject of its own: CLIP-I and DINO of them are means over pairs.</summary>
    public static (PictureSource A, PictureSource B, int Alone) Paired(PictureSource a, PictureSource b)
    {
        var (pairs, alone) = Match(a, b);
        if (pairs.Count == 0) throw new ArgumentException($"{a.Path} and {b.Path}: no picture of one has a name of the other");
        static PictureSource Chosen(PictureSource from, IEnumerable<int> rows) => from.Choose([.. rows]) is var some ? some.With(i => some.Pictures[i] with { Subject = Bare(some.Pictures[i].Name) }) : from;
        return (Chosen(a, pairs.Select(pair => pair.A)), Chosen(b, pairs.Select(pair => pair.B)), alone);
    }

    private static string Bare(string name) => Path.ChangeExtension(name.Replace('\\', '/'), null);
}
