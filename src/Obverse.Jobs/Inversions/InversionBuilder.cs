using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Builds the inversion of a job before its first step: canvas, targets, mask, bank.</summary>
internal sealed class InversionBuilder(InversionJob job, Workshop workshop)
{
    private Recipe Recipe => job.Recipe;

    /// <exception cref="ArgumentException">The job asks for something that its recipe, size or models do not support.</exception>
    public Inversion Build()
    {
        var encoder = Encoder();
        if (MemoryLimit.Check(job, encoder).Total >= MemoryLimit.LargeStep) Runtime.ReuseLargeBlocks();
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var targets = new PromptTargets(job).Of(encoder);
        Canvas? canvas = null;
        try
        {
            var chosen = job.Start is null && Recipe.Start is { } start ? Chosen(start, encoder, targets) : null;
            canvas = Recipe.Bank is null ? Canvas(encoder.Device, chosen) : new BankGuide(job, workshop).Apply(targets, encoder, () => Canvas(encoder.Device, chosen));
            if (Recipe.ShowsLastSeen) canvas = new LastSeenCanvas(canvas);
            canvas = Best(canvas);
            var context = new ObjectiveContext(job.Start is null ? null : Sized(job.Load(job.Start)).To(encoder.Device), WeightsFile, encoder.Device);
            var objective = Recipe.Objective.Bind(context);
            foreach (var content in Contents(Recipe.Objective)) workshop.OnRemark(content.Looks); // once it is known that it can: an error is one line
            if (canvas is BestCanvas best) objective = best.Watching(objective);
            canvas = context.Beside(Masked(canvas));
            return new Inversion { Canvas = canvas, Encoder = Recipe.SkipsNormalization ? encoder.WithoutNormalization() : encoder, Targets = targets, Views = Recipe.Views, Objective = objective, Schedule = Recipe.Schedule, Seed = job.Seed, StopAfter = job.StoppedAfter };
        }
        catch
        {
            canvas?.Dispose();
            targets.Dispose();
            throw;
        }
    }

    /// <summary>The start canvas alone, for parameters that are restored from a file.</summary>
    public Canvas BuildCanvas(Device device)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        return Masked(Best(Canvas(device)));
    }

    private Encoder Encoder()
    {
        ClipEncoder[] models = [.. job.Models.Select(model => workshop.Model(model.Name).Encoder)];
        return (models, Recipe.Sides.Count) switch
        {
            ([var one], 0) => one,
            ([var one], 1) => one.At(Recipe.Sides[0]),
            ([var one], _) => new EnsembleEncoder([.. Recipe.Sides.Select(side => ((Encoder)one.At(side), 1.0))]),
            (_, 0) => new EnsembleEncoder([.. models.Select(model => ((Encoder)model, 1.0))]),
            _ => throw new ArgumentException($"recipe '{Recipe.Name}' uses one model at the input sides {Recipe.Sides}; {models.Length} models were given"),
        };
    }

    private Canvas Best(Canvas canvas) => Recipe.ShowsBest ? new BestCanvas(canvas) : canvas;

    private static IEnumerable<Content> Contents(Objective objective) => objective switch { Content content => [content], WeightedSum sum => sum.Terms.SelectMany(term => Contents(term.Objective)), _ => [] };

    private Tensor Chosen(GaussianStart start, Encoder encoder, Targets targets)
    {
        using var random = Generator.For(job.Seed, 4);
        return start.Choose(WeightsFile(start.Mixture), encoder, targets, random, job.Height, job.Width);
    }

    private string WeightsFile(string name) => job.Weights?.GetValueOrDefault(name) is { } file ? (file with { Path = Zoo.WeightsFile(file.Path) }).Unchanged("file of weights") : throw new ArgumentException($"the canvas needs the weights '{name}', and the job names no file for them");

    private Canvas Canvas(Device device, Tensor? chosen = null)
    {
        if (job.Width is < PictureSize.Least or > PictureSize.Most || job.Height is < PictureSize.Least or > PictureSize.Most) throw new ArgumentOutOfRangeException(nameof(job.Width), $"size {job.Width}x{job.Height}: sides of {PictureSize.Least} to {PictureSize.Most} pixels are wanted");
        using var random = Generator.For(job.Seed, 0);
        random.Device = device;
        return Recipe.Canvas.Create(new CanvasContext(job.Height, job.Width, random)
        {
            Start = job.Start is null || Recipe.Fit is not null ? chosen : Sized(job.Load(job.Start)),
            WeightsFile = WeightsFile,
        });
    }

    private Canvas Masked(Canvas canvas)
    {
        if (job.Mask is null) return canvas;
        if (job.Start is null) throw new ArgumentException("a mask needs a start picture");
        return new MaskedCanvas(canvas, Tensor.Owned(() => job.LoadMask().MaskPlane(job.Height, job.Width).Clone()), Tensor.Owned(() => Sized(job.Load(job.Start)).Clone()));
    }

    private Tensor Sized(Picture picture) => picture.ToTensor().Resize(job.Height, job.Width, Interpolation.Bicubic, antialias: true).Clamp(0, 1);
}
