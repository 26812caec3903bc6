namespace Obverse.Models;

/// <summary>
/// A checkpoint that somebody published: what it was trained with, which its architecture does not say and its file may say wrongly (spec clip.md 1.4).
/// </summary>
/// <param name="Architecture">open_clip's name of it.</param>
/// <param name="Tag">open_clip's name of the training.</param>
/// <param name="Activation">Of both towers (of a ResNet, the text tower's).</param>
/// <param name="Mean">Of pictures; so is <paramref name="Std"/>.</param>
/// <param name="Names">Hub repositories and file names, without ending, that it goes by.</param>
public sealed record PublishedClip(string Architecture, string Tag, Activation Activation, Rgb Mean, Rgb Std, IReadOnlyList<string> Names)
{
    private static readonly Lazy<IReadOnlyList<PublishedClip>> all = new(() =>
    {
        using var reader = new StreamReader(typeof(PublishedClip).Assembly.GetManifestResourceStream("published.txt")!);
        return [.. reader.ReadToEnd().Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(Parse)];
    });

    public static IReadOnlyList<PublishedClip> All => all.Value;

    /// <summary>Its image encoder was tuned under attack, so that its gradients are perceptually aligned.</summary>
    public bool IsRobust => Tag == "clipag" || Tag.StartsWith("fare", StringComparison.Ordinal);

    /// <summary>By open_clip's two names; null where there is none. ("ViT-B-32-quickgelu" is ViT-B-32 here.)</summary>
    public static PublishedClip? Find(string architecture, string tag) => All.FirstOrDefault(p => p.Tag == tag.Replace('-', '_') && (p.Architecture == architecture || p.Architecture + "-quickgelu" == architecture));

    /// <summary>
    /// The one whose weights lie at <paramref name="path"/>, as far as names say: a hub cache (<c>models--owner--name</c>), folders <c>owner/name</c>, a folder or a file of
    /// a published name. Null where none does.
    /// </summary>
    public static PublishedClip? At(string path)
    {
        var parts = Path.GetFullPath(path).Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 0 ? null : All.FirstOrDefault(p => p.Names.Any(name =>
        {
            if (!name.Contains('/', StringComparison.Ordinal)) return Path.GetFileNameWithoutExtension(parts[^1]) == name || parts[^1] == name;
            var (cached, own) = ("models--" + name.Replace("/", "--", StringComparison.Ordinal), name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..]);
            return parts.Contains(cached) || parts.TakeLast(2).Contains(own); // a folder, or a file in it
        }));
    }

    /// <summary>What <paramref name="config"/> says otherwise, in words; empty where they agree.</summary>
    public IReadOnlyList<string> Against(ClipConfig config)
    {
        List<string> found = [];
        var mine = Applied(config);
        if (mine.Text.Activation != config.Text.Activation || mine.Vision.Activation != config.Vision.Activation) found.Add($"activation {Word(config.Text.Activation == Activation ? config.Vision.Activation : config.Text.Activation)}, where {this} was trained with {Word(Activation)}");
        if (Far(Mean, config.Mean) || Far(Std, config.Std)) found.Add(FormattableString.Invariant($"mean {config.Mean.R:0.####} and std {config.Std.R:0.####} (red), where {this} was trained with {Mean.R:0.####} and {Std.R:0.####}"));
        return found;
    }

    /// <summary>The same configuration with these settings.</summary>
    public ClipConfig Applied(ClipConfig config) => config.With(Activation) with { Mean = Mean, Std = Std };

    public override string ToString() => $"{Architecture}/{Tag}";

    internal static string Word(Activation activation) => activation == Activation.QuickGelu ? "quick_gelu" : "gelu";

    private static bool Far(Rgb a, Rgb b) => Math.Abs(a.R - b.R) > 1e-3 || Math.Abs(a.G - b.G) > 1e-3 || Math.Abs(a.B - b.B) > 1e-3; // files round to seven digits or fewer

    private static PublishedClip Parse(string line)
    {
        var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var half = new Rgb(0.5, 0.5, 0.5);
        return new(parts[0], parts[1], parts[2] == "quick_gelu" ? Activation.QuickGelu : Activation.Gelu, parts[3] == "half" ? half : Rgb.ClipMean, parts[3] == "half" ? half : Rgb.ClipStd, parts[4..]);
    }
}
