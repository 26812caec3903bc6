using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>A CLIP made robust: its picture side tuned under attack on a picture set, its text side as it was (spec clipag.md 4.1, zoo.md 8.4).</summary>
public static class RobustClip
{
    /// <summary>Trains and writes a model folder. Checkpoints and caches go to <paramref name="work"/>.</summary>
    /// <param name="model">The model's folder.</param>
    /// <param name="pictures">The folder of a <see cref="PictureSet"/>.</param>
    /// <param name="options">How.</param>
    /// <param name="output">Folder for the robust model.</param>
    /// <param name="work">Folder for checkpoint and log.</param>
    /// <param name="classifier">Weights of the classifier that the trunk was published with, to ask for classes in place of ImageNet's names; or null.</param>
    /// <param name="exam">Held-out photographs, <c>name.wnid.jpg</c> in a zip, to be named before and after; or null.</param>
    /// <param name="progress">Called every few steps.</param>
    /// <param name="cancel">Stops and leaves a checkpoint.</param>
    /// <returns>Accuracy before and after (null where there was no exam), or null where it was stopped.</returns>
    public static (RobustAccuracy? Before, RobustAccuracy? After)? Train(string model, string pictures, AdversarialOptions options, string output, string work, string? classifier = null, string? exam = null, Action<string>? progress = null, CancellationToken cancel = default)
    {
        void Say(string text) => progress?.Invoke(text);
        Directory.CreateDirectory(work);
        using var set = PictureSet.Open(pictures, PocketClip.DecodeJpeg);
        using var student = ClipModel.Load(model, trainable: true);
        using var frozen = ClipModel.Load(model);
        using var names = TensorScope.Unscoped(() => ZeroShot.Classifier(frozen.EncodeText, [.. ImageNet.Classes.Select(c => c.ClipName)], Judge.Templates));
        using var published = classifier is null ? null : Weights.Load(classifier);
        (Tensor, Tensor)? asked = published is null ? null : (published.All["classifier.weight"], published.All["classifier.bias"]);
        var (tower, teacher) = (RobustTower.Of(student, names, asked), RobustTower.Of(frozen, names, asked));

        var before = exam is null ? null : Examine(RobustTower.Of(frozen, names), exam, options);
        if (before is not null) Say($"before: {before}");
        var views = new PictureViews(set, PocketClipRecipe.PocketClip.Name, options.Seed, Views);
        var rendered = new RenderedPictures(set, views, options.Side, images => images);
        var sampler = new ShuffledSampler(views.Count, options.Seed, 400);
        RobustBatch Batch(long b)
        {
            var chosen = sampler.Batch(b, options.Batch);
            var random = new Random(unchecked((int)(options.Seed * 1_000_003 + (ulong)b)));
            var captions = chosen.Select(view => rendered.Describe(view, random)).ToArray();
            var images = rendered.Embed(chosen);
            rendered.Prepare(sampler.Batch(b + 1, options.Batch));
            if (options.Objective == RobustObjective.Fare) return new(images);
            using var still = new NoGrad();
            return new(images, frozen.EncodeText([.. captions.Select(c => c.Caption)]).Normalized(), [.. captions.Select(c => c.Group)]);
        }

        using (var tuning = new AdversarialFineTuning(options, tower, teacher))
        {
            Say($"{views.Count:N0} views of {set.Count:N0} pictures; eps {options.EpsHere:F3} at {options.Side} px");
            if (!tuning.Run(Batch, work, step => Say(FormattableString.Invariant($"update {step.Step}, {step.Fraction:P1}, {step.Left?.TotalMinutes:F0} min left, {step.StringsPerSecond:F1} pictures/s, {string.Join(" ", step.Parts.Select(part => FormattableString.Invariant($"{part.Key} {part.Value:F3}")))}")), cancel)) return null;
        }

        if (options.Share < 1)
        {
            using var still = new NoGrad();
            var began = frozen.Parameters.ToDictionary();
            foreach (var (name, tensor) in tower.Parameters) tensor.LerpInPlace(began[name], 1 - options.Share);
        }

        var after = exam is null ? null : Examine(RobustTower.Of(student, names), exam, options);
        if (after is not null) Say($"after: {after}");
        // Beside the model it began as, only the picture side is written.
        var source = Directory.Exists(model) ? Path.GetFullPath(model).TrimEnd('/') : Path.GetDirectoryName(Path.GetFullPath(model))!;
        var beside = Path.GetDirectoryName(source) == Path.GetDirectoryName(Path.GetFullPath(output).TrimEnd('/')) && student.Config.Origin == ClipOrigin.OpenClip && source != Path.GetFullPath(output).TrimEnd('/');
        student.Save(output, half: true, textOf: beside ? frozen.Config.TextOf ?? Path.GetFileName(source) : null);
        return (before, after);
    }

    /// <summary>Photographs are cropped anew eight times, drawings laid on four grounds.</summary>
    public static ViewCounts Views { get; } = new() { Photos = 8, PhotosPerClass = 200, Drawings = 4, Compositions = 0 };

    /// <summary>Named among ImageNet's names at the side the run has, under 20 steps of attack within its eps.</summary>
    /// <param name="tower">Whom to ask.</param>
    /// <param name="zip"><c>name.wnid.jpg</c>.</param>
    /// <param name="options">Side and eps.</param>
    /// <param name="every">Only every n-th picture.</param>
    public static RobustAccuracy Examine(RobustTower tower, string zip, AdversarialOptions options, int every = 2)
    {
        var wnids = ImageNet.Classes.ToDictionary(c => c.Wnid, c => c.Index);
        var same = ClassName.SameName([.. ImageNet.Classes.Select(c => c.ClipName)]);
        var pictures = PictureBatches.OfZip(zip).Where((_, i) => i % every == 0)
            .Select(p => (PictureBatches.CentreCrop(p.Picture.Rgb, p.Picture.Width, p.Picture.Height, options.Side), Right: same[wnids[p.Name.Split('.')[^2]]]));
        return RobustAccuracy.Measure(tower, pictures, options.Side, new() { Eps = options.EpsHere, Steps = 20 });
    }
}
