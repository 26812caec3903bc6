using Obverse.Torch;

namespace Obverse.Training;

/// <summary>How the projection is tuned once the text tower is frozen.</summary>
public sealed record ProjectionTuningOptions
{
    public ulong Seed { get; init; } = 7;
    public int Steps { get; init; } = 800;
    public int Photos { get; init; } = 256;
    public int Drawings { get; init; } = 256;
    public double Rate { get; init; } = 3e-4;

    /// <summary>Scale of the cosines, as CLIP's at the end of its training.</summary>
    public double Scale { get; init; } = 40;

    /// <summary>Weight of the relative squared distance between embeddings and those the projection started with.</summary>
    public double HoldWeight { get; init; } = 4;

    /// <summary>Weight of KL(classes before || classes now) over all views: what the photographs at hand do not show must stay as it was. "Before" is the published classifier where there is one.</summary>
    public double KeepWeight { get; init; } = 1;
}

/// <summary>
/// The last part of locked-image tuning: text tower and trunk frozen, the projection learns to classify every photograph among all class names and every
/// drawing's name among all names of drawings. It costs no text, so every batch compares with all names, where a batch of captions holds a few dozen.
/// </summary>
public static class ProjectionTuning
{
    /// <param name="options">How.</param>
    /// <param name="pictures">Whose weight and bias move.</param>
    /// <param name="classNames">Text embeddings of the classes: [classes, D].</param>
    /// <param name="drawingNames">Text embeddings of the names of drawings: [names, D].</param>
    /// <param name="drawings">Views of drawings with the row of their name.</param>
    /// <param name="progress">Step and its losses, every hundred steps.</param>
    /// <param name="classifier">The trunk's published classifier, [classes, channels] and [classes]: its probabilities are better than those of the first projection against text embeddings.</param>
    public static void Run(ProjectionTuningOptions options, CachedPictures pictures, Tensor classNames, Tensor drawingNames, IReadOnlyList<(int View, int Name)> drawings, Action<int, double, double, double>? progress = null, (Tensor Weight, Tensor Bias)? classifier = null)
    {
        using var before = new TensorScope();
        var (firstWeight, firstBias) = (pictures.Weight.Detach().Clone(), pictures.Bias.Detach().Clone());
        var (classes, names) = (classNames.Normalized(), drawingNames.Normalized());
        pictures.Weight.RequiresGrad = pictures.Bias.RequiresGrad = true;
        using var optimizer = new Adam([new("projection", [pictures.Weight, pictures.Bias], options.Rate)], decoupled: true);
        ShuffledSampler photoSampler = new(pictures.Labelled.Count, options.Seed, 101), drawingSampler = new(drawings.Count, options.Seed, 102);
        for (var step = 0; step < options.Steps; step++)
        {
            using var scope = new TensorScope();
            optimizer.Groups[0].Rate = options.Rate * LearningRate.WarmupCosine(step, options.Steps, 20);
            var photos = photoSampler.Batch(step, options.Photos).Select(i => pictures.Labelled[i]).ToArray();
            var drawn = drawingSampler.Batch(step, options.Drawings).Select(i => drawings[i]).ToArray();
            var features = pictures.Features([.. photos.Select(photo => photo.View), .. drawn.Select(drawing => drawing.View)]);
            var embedded = features.Linear(pictures.Weight, pictures.Bias);
            var first = features.Linear(firstWeight, firstBias);
            var e = embedded.Normalized();
            var scores = e.Matmul(classes.T()) * options.Scale; // [photos + drawings, classes]
            var classLoss = scores[..photos.Length].CrossEntropy(Tensor.From([.. photos.Select(photo => (long)photo.Class)], photos.Length));
            var nameLoss = (e[photos.Length..].Matmul(names.T()) * options.Scale).CrossEntropy(Tensor.From([.. drawn.Select(drawing => (long)drawing.Name)], drawn.Length));
            var hold = (embedded - first).Square().Sum() / first.Square().Sum();
            var was = (classifier is var (weight, bias) ? features.Linear(weight, bias) : first.Normalized().Matmul(classes.T()) * options.Scale).Softmax(1);
            var keep = scores.CrossEntropy(was) + (was * (was + 1e-12).Log()).Sum(1).Mean();
            var loss = classLoss + nameLoss + options.HoldWeight * hold + options.KeepWeight * keep;
            optimizer.ZeroGrad();
            loss.Backward();
            optimizer.Step();
            if (step % 100 == 0 || step == options.Steps - 1) progress?.Invoke(step, classLoss.Item(), nameLoss.Item(), hold.Item());
        }

        pictures.Weight.Grad = pictures.Bias.Grad = null;
        pictures.Weight.RequiresGrad = pictures.Bias.RequiresGrad = false;
    }
}
