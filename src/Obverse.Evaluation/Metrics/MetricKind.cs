using Obverse.Models;

namespace Obverse.Evaluation;

/// <summary>Whose numbers are wanted where libraries disagree (docs/whose-fid.md).</summary>
public enum Convention
{
    /// <summary>mseitzer/pytorch-fid: the default.</summary>
    PytorchFid,

    /// <summary>toshas/torch-fidelity.</summary>
    TorchFidelity,

    /// <summary>GaParmar/clean-fid.</summary>
    CleanFid,

    /// <summary>jmhessel/clipscore, for CLIPScore: the default there.</summary>
    JmHessel,

    /// <summary>Lightning's torchmetrics, for CLIPScore.</summary>
    TorchMetrics,
}

/// <summary>What a user may set of a metric.</summary>
public sealed record MetricSettings
{
    public Convention? As { get; init; }
    public int? Neighbours { get; init; }
    public int? Subsets { get; init; }
    public int? SubsetSize { get; init; }
    public int? Splits { get; init; }
    public int? Folds { get; init; }

    /// <summary>Pictures of one name compared, not of one subject: CLIP-I and DINO.</summary>
    public bool Pairs { get; init; }
}

/// <summary>A metric by the name that commands and table files use.</summary>
/// <param name="Name">"fid".</param>
/// <param name="About">A sentence for help.</param>
/// <param name="Create">With a user's settings.</param>
/// <param name="Embeds">Whether a CLIP gives it embeddings; else pooled features.</param>
/// <param name="Libraries">Whose numbers there are to choose from, the default first.</param>
public sealed record MetricKind(string Name, string About, Func<MetricSettings, IMetric> Create, bool Embeds, params IReadOnlyList<Convention> Libraries)
{
    public static IReadOnlyList<MetricKind> All { get; } =
    [
        new("fid", "Fréchet distance between two sets.", set => new Fid { FloatMean = set.As is Convention.TorchFidelity or Convention.CleanFid, Root = set.As switch { null => FrechetRoot.Exact, Convention.TorchFidelity => FrechetRoot.Eigenvalues, _ => FrechetRoot.Sqrtm } }, false, Convention.PytorchFid, Convention.TorchFidelity, Convention.CleanFid),
        new("kid", "Kernel distance between two sets: mean and deviation over random subsets.", set => new KernelDistance { Subsets = set.Subsets ?? 100, SubsetSize = set.SubsetSize ?? 1000 }, false, Convention.TorchFidelity, Convention.PytorchFid, Convention.CleanFid),
        new("is", "Inception Score of one set: mean and deviation over ten splits.", set => new InceptionScore { Splits = set.Splits ?? 10 }, false, Convention.TorchFidelity, Convention.PytorchFid, Convention.CleanFid),
        new("precision", "Precision and recall of a set against real pictures.", set => new PrecisionRecall { Neighbours = set.Neighbours ?? 3 }, false, Convention.PytorchFid, Convention.TorchFidelity, Convention.CleanFid),
        new("density", "Density and coverage of a set against real pictures.", set => new DensityCoverage { Neighbours = set.Neighbours ?? 5 }, false, Convention.PytorchFid, Convention.TorchFidelity, Convention.CleanFid),
        new("vendi", "Vendi score of one set: how many different pictures it has.", _ => new VendiScore(), true),
        new("cmmd", "CMMD: maximum mean discrepancy of CLIP embeddings, for small sets.", _ => new Cmmd(), true),
        new("clipsim", "CLIPSIM: 100 times the mean cosine between pictures and their captions.", _ => new ClipSim(), true),
        new("clipscore", "CLIPScore: 2.5 max(cosine, 0) of pictures and \"A photo depicts \" and their captions.", set => set.As == Convention.TorchMetrics ? new TorchMetricsClipScore() : new ClipScore(), true, Convention.JmHessel, Convention.TorchMetrics),
        new("refclipscore", "RefCLIPScore: CLIPScore and the caption's likeness to people's captions.", _ => new RefClipScore(), true),
        new("clip-t", "CLIP-T: CLIPSIM by the name that subject-driven papers use.", _ => ClipSim.ClipT, true),
        new("clip-i", "CLIP-I: likeness of drawn and real pictures of a subject, a folder a subject.", set => SubjectSimilarity.ClipI with { Pairs = set.Pairs }, true),
        new("dino", "The same over DINO's features.", set => SubjectSimilarity.Dino with { Pairs = set.Pairs }, true),
        new("retrieval", "Recall@1, 5 and 10 of captions to pictures and back.", set => new RetrievalRecall { Folds = set.Folds ?? 1 }, true),
    ];

    /// <exception cref="ArgumentException">No metric of that name; the message lists them.</exception>
    public static MetricKind Find(string name) => All.FirstOrDefault(kind => kind.Name == name) ?? throw new ArgumentException($"no metric '{name}'; there are {string.Join(", ", All.Select(kind => kind.Name))}");

    /// <summary>"pytorch-fid" and so on; refuses what this metric does not tell apart.</summary>
    public Convention? Library(string? name)
    {
        if (name is null) return null;
        foreach (var one in Libraries) if (NameOf(one) == name) return one;
        throw new ArgumentException($"--as: '{name}' was given for {Name}, {(Libraries.Count == 0 ? "of which there is one kind" : $"{string.Join(", ", Libraries.Select(NameOf))} are there")}");
    }

    public static string NameOf(Convention convention) => convention switch
    {
        Convention.PytorchFid => "pytorch-fid",
        Convention.TorchFidelity => "torch-fidelity",
        Convention.CleanFid => "clean-fid",
        Convention.JmHessel => "jmhessel",
        _ => "torchmetrics",
    };

    /// <summary>How Inception's pictures are prepared.</summary>
    public InceptionInput Input(Convention? convention) => (convention ?? Libraries.FirstOrDefault()) switch
    {
        Convention.TorchFidelity => InceptionInput.TorchFidelity,
        Convention.CleanFid => InceptionInput.CleanFid,
        _ => InceptionInput.PytorchFid,
    };
}
