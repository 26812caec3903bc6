using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Pictures that a text tower is trained against. Equal groups are true of each other's pictures.</summary>
public interface ICaptionedPictures
{
    /// <summary>Numbers of the views of a kind.</summary>
    IReadOnlyList<int> Of(ViewKind kind);

    /// <summary>A true caption of a view, another one each time, and the group it belongs to.</summary>
    (string Caption, string Group) Describe(int view, Random random);

    /// <summary>[n, D], not normalised, with gradients for what learns.</summary>
    Tensor Embed(IReadOnlyList<int> views);

    /// <summary>These will be asked for next; what can be done on another thread may begin.</summary>
    void Prepare(IReadOnlyList<int> views)
    {
    }
}

/// <summary>The views of a <see cref="PictureSet"/> with captions.</summary>
public abstract class ViewedPictures(PictureSet set) : ICaptionedPictures
{
    public abstract IReadOnlyList<int> Of(ViewKind kind);

    public (string Caption, string Group) Describe(int view, Random random)
    {
        var row = Row(view);
        var entry = set.Entries[row.Picture];
        switch (row.Kind)
        {
            case ViewKind.Photo: return (Captions.Photo(entry, random), entry.Label);
            case ViewKind.Drawing: return (Captions.Drawing(entry, Backdrop.All.First(b => b.Name == row.Backdrop), random), entry.Concept);
            default:
                var captions = row.Captions!;
                return (captions[random.Next(captions.Count)], captions[0]);
        }
    }

    public abstract Tensor Embed(IReadOnlyList<int> views);

    public virtual void Prepare(IReadOnlyList<int> views)
    {
    }

    protected abstract ViewRow Row(int view);
}

/// <summary>Cached features of a frozen tower through a linear projection: locked-image tuning, where the text tower learns and the image side hardly or not at all (Zhai et al. 2022).</summary>
public sealed class CachedPictures : ViewedPictures
{
    private readonly FeatureCache cache;
    private readonly Tensor startWeight, startBias;
    private readonly (int View, int Class)[] labelled;
    private readonly ILookup<ViewKind, int> kinds;

    /// <param name="cache">Features and what they show.</param>
    /// <param name="set">The pictures they were made from.</param>
    /// <param name="projection">Where the shared space begins; copied.</param>
    /// <param name="classes">Photographs of these classes can be labelled.</param>
    public CachedPictures(FeatureCache cache, PictureSet set, AnalyticProjection projection, IReadOnlyList<ClassName> classes) : base(set)
    {
        this.cache = cache;
        kinds = Enumerable.Range(0, cache.Rows.Count).ToLookup(i => cache.Rows[i].Kind);
        (startWeight, startBias) = (projection.Weight, projection.Bias);
        Weight = projection.Weight.Clone();
        Bias = projection.Bias.Clone();
        var known = ClassesOf(set, classes);
        labelled = [.. Of(ViewKind.Photo).Select(view => (view, Class: known.GetValueOrDefault((set.Entries[cache.Rows[view].Picture].Style, set.Entries[cache.Rows[view].Picture].Label), -1))).Where(pair => pair.Class >= 0)];
    }

    /// <summary>[D, channels].</summary>
    public Tensor Weight { get; }

    /// <summary>[D].</summary>
    public Tensor Bias { get; }

    /// <summary>Views of photographs whose class the classifier has.</summary>
    public IReadOnlyList<(int View, int Class)> Labelled => labelled;

    public override IReadOnlyList<int> Of(ViewKind kind) => [.. kinds[kind]];

    protected override ViewRow Row(int view) => cache.Rows[view];

    public override Tensor Embed(IReadOnlyList<int> views) => Features(views).Linear(Weight, Bias);

    /// <summary>Puts the projection back to where it started.</summary>
    public void Reset()
    {
        using var still = new NoGrad();
        Weight.CopyInPlace(startWeight);
        Bias.CopyInPlace(startBias);
    }

    /// <summary>The same by the projection as it was at the start.</summary>
    public Tensor EmbedAsAtFirst(IReadOnlyList<int> views) => Features(views).Linear(startWeight, startBias);

    /// <summary>Pooled features of views: [n, channels].</summary>
    public Tensor Features(IReadOnlyList<int> views) => cache.Take([.. views.Select(view => (long)view)]);

    /// <summary>Which folders of photographs are which class: most names in common, at least half.</summary>
    public static Dictionary<(string Style, string Label), int> ClassesOf(PictureSet set, IReadOnlyList<ClassName> classes)
    {
        Dictionary<(string, string), int> found = [];
        foreach (var entry in set.Entries.Where(entry => entry.IsPhoto).DistinctBy(entry => (entry.Style, entry.Label)))
        {
            var names = entry.Names.Select(name => name.ToLowerInvariant()).ToHashSet();
            var best = classes.Select(c => (c.Index, Agreement: c.Synonyms.Count(s => names.Contains(s.ToLowerInvariant())) / (double)names.Union(c.Synonyms.Select(s => s.ToLowerInvariant())).Count())).MaxBy(pair => pair.Agreement);
            if (best.Agreement >= 0.5) found[(entry.Style, entry.Label)] = best.Index;
        }

        return found;
    }
}

/// <summary>Pictures rendered as they are asked for, through a tower that learns from nothing: CLIP as it was first trained. Rendering is on another thread.</summary>
/// <param name="set">Pictures with names.</param>
/// <param name="views">Their training views.</param>
/// <param name="side">In pixels.</param>
/// <param name="tower">[n, 3, side, side] in 0 … 1 to [n, D], with gradients.</param>
public sealed class RenderedPictures(PictureSet set, PictureViews views, int side, Func<Tensor, Tensor> tower) : ViewedPictures(set)
{
    private Dictionary<int, (byte[] Rgb, ViewRow Row)> rendered = [];
    private Task<Dictionary<int, (byte[] Rgb, ViewRow Row)>>? next;
    private readonly ILookup<ViewKind, int> kinds = Enumerable.Range(0, views.Count).ToLookup(views.KindOf);

    public override IReadOnlyList<int> Of(ViewKind kind) => [.. kinds[kind]];

    public override void Prepare(IReadOnlyList<int> soon) => next = Task.Run(() => soon.Distinct().ToDictionary(view => view, view => views.Render(view, side)));

    public override Tensor Embed(IReadOnlyList<int> asked) => tower(PictureBatches.ToTensor([.. asked.Select(view => Rendered(view).Rgb)], side));

    protected override ViewRow Row(int view) => Rendered(view).Row;

    private (byte[] Rgb, ViewRow Row) Rendered(int view)
    {
        if (rendered.TryGetValue(view, out var found)) return found;
        if (next is not null) (rendered, next) = (next.GetAwaiter().GetResult(), null);
        return rendered.TryGetValue(view, out found) ? found : rendered[view] = views.Render(view, side);
    }
}
