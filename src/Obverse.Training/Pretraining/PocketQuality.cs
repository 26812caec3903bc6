using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>What a model of the zoo says of itself (spec zoo.md 8.5).</summary>
public sealed record PocketQuality
{
    /// <summary>Of 1,000 names on one photograph a class, seen at 224, 160 and 144 px; `missile` and `sunglasses` count once.</summary>
    public TopAccuracy ImageNet224 { get; init; }
    public TopAccuracy ImageNet160 { get; init; }
    public TopAccuracy ImageNet144 { get; init; }

    /// <summary>The same at 224 px against the analytic anchors in place of text embeddings: what a perfect text tower would reach.</summary>
    public TopAccuracy ImageNetAnchors { get; init; }

    /// <summary>Tiny ImageNet's validation pictures among its 200 names, 64 px enlarged to 128.</summary>
    public TopAccuracy TinyImageNet { get; init; }

    /// <summary>CIFAR-10's test pictures among ten names, 32 px enlarged to 128.</summary>
    public TopAccuracy Cifar10 { get; init; }

    /// <summary>Drawings of a style never seen (<see cref="EmojiStyle.HeldOut"/>) among all their names, on white at 128 px. Nearly all the things were seen in other styles.</summary>
    public TopAccuracy Emoji { get; init; }

    /// <summary>Names that those drawings are classified among.</summary>
    public int EmojiNames { get; init; }

    /// <summary>Phrases that name no class, among the 1,000 names.</summary>
    public TopAccuracy EverydayPhrases { get; init; }

    /// <summary>Between the mean photograph of <see cref="ImageNet224"/> and the mean name.</summary>
    public double ModalityGap { get; init; }

    public override string ToString() => FormattableString.Invariant($"ImageNet 224 px {ImageNet224}, 160 px {ImageNet160}, 144 px {ImageNet144}, anchors {ImageNetAnchors}; Tiny ImageNet {TinyImageNet}; CIFAR-10 {Cifar10}; emoji held out {Emoji}, {EmojiNames:N0} names; everyday phrases {EverydayPhrases}; modality gap {ModalityGap:F3}");
}

/// <summary>Pooled features of the held-out pictures, computed once and cached in a file: the trunk is frozen, so any projection and any text tower is measured in seconds.</summary>
public sealed class PocketExam : IDisposable
{
    /// <summary>Sentences that drawings' names are put into.</summary>
    public static IReadOnlyList<string> DrawingTemplates { get; } = ["{}", "a {}", "an emoji of a {}", "a flat icon of a {}", "a cartoon {}"];
    private readonly Dictionary<string, Tensor> features;
    private readonly IReadOnlyList<ClassName> classes;
    private readonly IReadOnlyList<EverydayPhrase> phrases;
    private readonly int[][] imageNetRight, tinyRight, cifarRight, emojiRight;
    private readonly string[] tinyNames, cifarNames, emojiNames;

    private PocketExam(Dictionary<string, Tensor> features, IReadOnlyList<ClassName> classes, IReadOnlyList<EverydayPhrase> phrases, (string[] Names, int[][] Right) imageNet, (string[] Names, int[][] Right) tiny, (string[] Names, int[][] Right) cifar, (string[] Names, int[][] Right) emoji) =>
        (this.features, this.classes, this.phrases, imageNetRight, tinyRight, cifarRight, emojiRight, tinyNames, cifarNames, emojiNames) =
        (features, classes, phrases, imageNet.Right, tiny.Right, cifar.Right, emoji.Right, tiny.Names, cifar.Names, emoji.Names);

    /// <summary>Opens the exam, computing the features that <paramref name="cache"/> does not have.</summary>
    /// <param name="cache">A safetensors file.</param>
    /// <param name="tower">[n, 3, side, side] in 0 … 1 to pooled features [n, channels].</param>
    /// <param name="classes">ImageNet's.</param>
    /// <param name="phrases">See <see cref="EverydayPhrase"/>.</param>
    /// <param name="imageNet">imagenet-1000.zip: <c>name.wnid.jpg</c>.</param>
    /// <param name="tiny">Tiny ImageNet's validation pictures, a folder a class.</param>
    /// <param name="tinySet">A picture set that has Tiny ImageNet's classes, for their names; and the held-out drawings.</param>
    /// <param name="cifar">CIFAR-10's test pictures, a folder a class.</param>
    /// <param name="progress">Called with the name of each set.</param>
    public static PocketExam Open(string cache, Func<Tensor, Tensor> tower, IReadOnlyList<ClassName> classes, IReadOnlyList<EverydayPhrase> phrases, string imageNet, string tiny, PictureSet tinySet, string cifar, Action<string>? progress = null)
    {
        Dictionary<string, Tensor> features = [];
        if (File.Exists(cache))
        {
            using var file = Safetensors.Open(cache);
            foreach (var name in file.Names) features[name] = TensorScope.Unscoped(() => file[name].To(DType.Float32));
        }

        var before = features.Count;
        void Need(string name, int side, Func<IEnumerable<byte[]>> pictures)
        {
            if (features.ContainsKey(name)) return;
            progress?.Invoke(name);
            features[name] = TensorScope.Unscoped(() => PictureBatches.Run(pictures(), side, tower, side > 160 ? 16 : 32));
        }

        var wnids = classes.ToDictionary(c => c.Wnid, c => c.Index);
        var same = ClassName.SameName([.. classes.Select(c => c.ClipName)]);
        int[][] imageNetRight = [.. PictureNames(imageNet).Select(name => same[wnids[name.Split('.')[^2]]])];
        foreach (var side in (int[])[224, 160, 144]) Need($"imagenet{side}", side, () => PictureBatches.OfZip(imageNet).Select(p => PictureBatches.CentreCrop(p.Picture.Rgb, p.Picture.Width, p.Picture.Height, side)));

        var known = CachedPictures.ClassesOf(tinySet, classes);
        string[] tinyLabels = [.. PictureNames(tiny).Select(name => name.Split('/')[^2])];
        string[] folders = [.. tinyLabels.Distinct().Order(StringComparer.Ordinal)];
        var nameOf = tinySet.Entries.Where(e => e.IsPhoto).DistinctBy(e => (e.Style, e.Label)).GroupBy(e => e.Label).ToDictionary(g => g.Key, g => known.TryGetValue((g.First().Style, g.Key), out var c) ? classes[c].ClipName : g.First().Name);
        Need("tiny", 128, () => PictureBatches.OfZip(tiny).Select(p => PictureBatches.CentreCrop(p.Picture.Rgb, p.Picture.Width, p.Picture.Height, 128)));

        string[] cifarLabels = [.. PictureNames(cifar).Select(name => name.Split('/')[^2])];
        string[] cifarNames = [.. cifarLabels.Distinct().Order(StringComparer.Ordinal)];
        Need("cifar", 128, () => PictureBatches.OfZip(cifar).Select(p => PictureBatches.CentreCrop(p.Picture.Rgb, p.Picture.Width, p.Picture.Height, 128)));

        int[] drawings = [.. Enumerable.Range(0, tinySet.Count).Where(i => tinySet.Entries[i].IsHeldOut)];
        string[] emojiNames = [.. drawings.Select(i => tinySet.Entries[i].Name).Distinct()];
        var emojiAt = emojiNames.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => pair.i);
        Need("emoji", 128, () => drawings.Select(i => OnWhite(tinySet, i, 128)));
        if (features.Count > before) Safetensors.Save(cache, features);
        return new(features, classes, phrases, ([], imageNetRight), ([.. folders.Select(f => nameOf.GetValueOrDefault(f, f.Replace('_', ' ')))], [.. tinyLabels.Select(l => new[] { Array.IndexOf(folders, l) })]),
            (cifarNames, [.. cifarLabels.Select(l => new[] { Array.IndexOf(cifarNames, l) })]), (emojiNames, [.. drawings.Select(i => new[] { emojiAt[tinySet.Entries[i].Name] })]));
    }

    /// <summary>Pooled features of one of the sets ("imagenet224", "tiny", "cifar", "emoji"): [n, channels].</summary>
    public Tensor Features(string set) => features[set];

    /// <summary>Text embeddings of all classes and phrases by one text tower; with 80 templates it takes a minute or two, with the seven simple ones ten seconds.</summary>
    public ExamTexts Embed(TextEmbedder embed, IReadOnlyList<string> templates) => new(
        ZeroShot.Classifier(embed, [.. classes.Select(c => c.ClipName)], templates),
        ZeroShot.Classifier(embed, tinyNames, templates),
        ZeroShot.Classifier(embed, cifarNames, templates),
        ZeroShot.Classifier(embed, emojiNames, DrawingTemplates),
        ZeroShot.Classifier(embed, [.. phrases.Select(phrase => phrase.Text)], ["{}"]));

    /// <summary>Measures a projection, <c>pooled.Linear(weight, bias)</c>, against the embeddings of a text tower.</summary>
    public PocketQuality Measure(Tensor weight, Tensor bias, Tensor anchors, ExamTexts texts)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        Tensor Embedded(string name) => features[name].Linear(weight, bias);
        return new()
        {
            ImageNet224 = ZeroShot.Accuracy(Embedded("imagenet224"), texts.Classes, imageNetRight),
            ImageNet160 = ZeroShot.Accuracy(Embedded("imagenet160"), texts.Classes, imageNetRight),
            ImageNet144 = ZeroShot.Accuracy(Embedded("imagenet144"), texts.Classes, imageNetRight),
            ImageNetAnchors = ZeroShot.Accuracy(Embedded("imagenet224"), anchors, imageNetRight),
            TinyImageNet = ZeroShot.Accuracy(Embedded("tiny"), texts.Tiny, tinyRight),
            Cifar10 = ZeroShot.Accuracy(Embedded("cifar"), texts.Cifar, cifarRight),
            Emoji = ZeroShot.Accuracy(Embedded("emoji"), texts.Drawings, emojiRight),
            EmojiNames = emojiNames.Length,
            EverydayPhrases = ZeroShot.Accuracy(texts.Phrases, texts.Classes, [.. phrases.Select(phrase => phrase.Classes)]),
            ModalityGap = ModalityGap.Between(Embedded("imagenet224"), texts.Classes),
        };
    }

    public void Dispose()
    {
        foreach (var tensor in features.Values) tensor.Dispose();
    }

    private static string[] PictureNames(string zip)
    {
        using var archive = System.IO.Compression.ZipFile.OpenRead(zip);
        return [.. archive.Entries.Where(e => e.Name.EndsWith(".jpg", StringComparison.OrdinalIgnoreCase) || e.Name.EndsWith(".png", StringComparison.OrdinalIgnoreCase)).Select(e => e.FullName).Order(StringComparer.Ordinal)];
    }

    // Six sevenths of the side, in the middle.
    private static byte[] OnWhite(PictureSet set, int index, int side)
    {
        var (rgba, w, h) = set.Read(index);
        var size = side * 6 / 7;
        var drawing = Resample.Premultiplied(rgba, w, h, 4, size, size);
        var laid = new byte[side * side * 4];
        var from = (side - size) / 2;
        for (var y = 0; y < size; y++) drawing.AsSpan(y * size * 4, size * 4).CopyTo(laid.AsSpan(((from + y) * side + from) * 4));
        return Backdrop.All[0].Under(laid);
    }
}

/// <summary>Normalised text embeddings of everything that is asked about, [n, D] each.</summary>
public sealed record ExamTexts(Tensor Classes, Tensor Tiny, Tensor Cifar, Tensor Drawings, Tensor Phrases) : IDisposable
{
    public void Dispose()
    {
        foreach (var tensor in (Tensor[])[Classes, Tiny, Cifar, Drawings, Phrases]) tensor.Dispose();
    }
}
