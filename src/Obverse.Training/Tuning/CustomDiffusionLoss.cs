using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// The loss of Custom Diffusion as diffusers' train_custom_diffusion.py has it: pictures beside "photo of a &lt;new1&gt; dog", made smaller or larger and counted only where they are; prior pictures of the class beside its name.
/// </summary>
internal sealed class CustomDiffusionLoss : IDisposable
{
    private const ulong Draws = 525, Order = 526;
    private static readonly string[] far = ["a far away ", "very small "], near = ["zoomed in ", "close up "];
    private readonly StableDiffusionModel model;
    private readonly TuningOptions options;
    private readonly Tensor[] squares; // [1, 3, side, side] in 0 … 1
    private readonly Tensor? priors, priorRows; // [count, c, h, w]; [1, rows, width]
    private readonly string[] classes;
    private readonly ShuffledSampler order;
    private readonly int side, stride;

    /// <param name="priors">Latents; null: none. Belongs to the caller.</param>
    /// <param name="prior">What they were drawn of.</param>
    public CustomDiffusionLoss(StableDiffusionModel model, IReadOnlyList<TuningPicture> pictures, Tensor? priors, string prior, TuningOptions options)
    {
        (this.model, this.options, this.priors, side, stride) = (model, options, priors, TuningData.SideOf(model), model.Autoencoder.Config.Stride);
        classes = [.. pictures.Select(picture => picture.Class)];
        squares = [.. pictures.Select(picture => Tensor.Owned(() => TuningData.Square(picture.Load().ToTensor(), side)))];
        order = new(pictures.Count, options.Seed, Order);
        if (classes.Distinct().Select(name => Caption(options.Token, name)).FirstOrDefault(caption => !model.Tokenize([caption]).ToArray<long>().Any(id => id >= model.TextConfig.VocabularySize)) is { } cut)
            throw new ArgumentException($"\"{cut}\" loses its word {options.Token}: a prompt of this model has {model.Rows} tokens; give a shorter --class");
        using var still = new NoGrad();
        if (priors is not null) priorRows = Tensor.Owned(() => model.TextRows([prior]));
    }

    /// <summary>The prompt of a picture.</summary>
    public static string Caption(string token, string name) => $"photo of a {token} {name}";

    /// <summary>Of the step with this number.</summary>
    public (Tensor Loss, IReadOnlyDictionary<string, double> Parts) At(long step)
    {
        using var draws = Generator.For(options.Seed, Draws, (ulong)step);
        var n = options.Batch;
        var chosen = order.Batch(step, n);
        var made = chosen.Select(i => One(squares[i], classes[i], draws)).ToArray();
        var pictures = Tensor.Cat([.. made.Select(m => m.Picture)]);
        var mask = Tensor.Cat([.. made.Select(m => m.Mask)]);
        Tensor latents;
        using (new NoGrad()) latents = model.Autoencoder.ToLatents(pictures, draws.Normal([n, .. LatentShape])); // gradients end at the pictures
        var rows = model.TextRows([.. made.Select(m => m.Prompt)]);
        if (priors is not null)
        {
            long[] which = [.. Enumerable.Range(0, n).Select(_ => (long)draws.Next(0, priors.Size(0)))];
            latents = Tensor.Cat([latents, priors.IndexSelect(0, Tensor.From(which))]);
            rows = Tensor.Cat([rows, priorRows!.Expand(n, rows.Size(1), rows.Size(2))]);
        }

        var (noise, times) = (draws.Normal(latents.Shape), draws.Integers(0, model.Schedule.Steps, latents.Size(0)).ToArray<long>());
        var errors = DenoisingLoss.Errors(model.UNet, model.Schedule, latents, rows, noise, times);
        return Of(errors, mask, priors is not null, options.PriorWeight);
    }

    /// <summary>Of the errors of pictures and, behind them, as many prior ones.</summary>
    internal static (Tensor Loss, IReadOnlyDictionary<string, double> Parts) Of(Tensor errors, Tensor mask, bool hasPriors, double weight)
    {
        var halves = hasPriors ? errors.Chunk(2) : [errors];
        var instance = DenoisingLoss.Masked(halves[0], mask);
        Dictionary<string, double> parts = new() { ["pictures"] = instance.Item() };
        if (!hasPriors) return (instance, parts);
        var prior = halves[1].Mean();
        parts["prior"] = prior.Item();
        return (instance + prior * weight, parts);
    }

    public void Dispose()
    {
        foreach (var square in squares) square.Dispose();
        priorRows?.Dispose();
    }

    private long[] LatentShape => [model.UNet.Config.InChannels, side / stride, side / stride];

    // CustomDiffusionDataset.preprocess: two times of three smaller, down to a third, on grey; else a part of up to 1.4 times the size.
    private (Tensor Picture, Tensor Mask, string Prompt) One(Tensor square, string name, Generator draws)
    {
        var places = side / stride;
        if (draws.Next() < options.Flip) square = TuningData.Mirrored(square);
        var prompt = Caption(options.Token, name);
        if (!options.Augments) return (square, Tensor.Ones([1, 1, places, places]), prompt);
        int Whole(int low, int high) => (int)draws.Next(low, high);
        var scale = draws.Next() < 0.66 ? Whole(side / 3, side + 1) : Whole((int)(1.2 * side), (int)(1.4 * side));
        if (scale < 0.6 * side) prompt = far[Whole(0, 2)] + prompt;
        else if (scale > side) prompt = near[Whole(0, 2)] + prompt;
        var room = Math.Abs(scale - side) + 1;
        var (top, left) = (Whole(0, room), Whole(0, room));
        var resized = scale == side ? square : square.Resize(scale, scale, Interpolation.Bicubic, antialias: scale < side).Clamp(0, 1);
        if (scale > side) return (resized.Narrow(2, top, side).Narrow(3, left, side), Tensor.Ones([1, 1, places, places]), prompt);
        var picture = resized.Pad([left, side - scale - left, top, side - scale - top], value: 0.5); // 0 in -1 … 1
        var (low, high, from, to) = (top / stride + 1, (top + scale) / stride - 1, left / stride + 1, (left + scale) / stride - 1);
        if (high <= low || to <= from) (low, high, from, to) = (top / stride, Math.Min(places, top / stride + 1), left / stride, Math.Min(places, left / stride + 1)); // a picture of a place or two
        return (picture, Tensor.Ones([1, 1, high - low, to - from]).Pad([from, places - to, low, places - high]), prompt);
    }
}
