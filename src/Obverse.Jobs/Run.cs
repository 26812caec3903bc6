using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>
/// Everything that makes one picture, as a value: recipe, prompt, model, seed, size. The same run on the same machine with the same number of threads
/// gives the same bytes. It is stored in the PNG it made; `obverse replay` makes it again.
/// </summary>
public sealed partial record Run
{
    /// <summary>PNG text chunk that holds a run.</summary>
    public const string Keyword = "obverse-run";

    public required Recipe Recipe { get; init; }
    public required Prompt Prompt { get; init; }

    /// <summary>The model's name, and the SHA-256 of its weights.</summary>
    public required string Model { get; init; }
    public string? ModelSha256 { get; init; }

    /// <summary>The same of the file its words are in, where that is another (<see cref="ClipConfig.TextOf"/>).</summary>
    public string? WordsSha256 { get; init; }
    public required int Width { get; init; }
    public required int Height { get; init; }
    public ulong Seed { get; init; }
    public StoredFile? Start { get; init; }

    /// <summary>White (or opaque) where the picture may change.</summary>
    public StoredFile? Mask { get; init; }

    /// <summary>The bank that the recipe's <see cref="Recipe.Prior"/> takes from.</summary>
    public StoredFile? Bank { get; init; }

    /// <summary>The size it is shown at, where that is not the size it was drawn at.</summary>
    public PictureSize? Shown { get; init; }

    /// <summary>The step after which it was stopped by hand; null: it went to its end.</summary>
    public int? StoppedAfter { get; init; }

    /// <summary>SHA-256 of the pictures among the prompt's parts, in their order.</summary>
    public IReadOnlyList<string> ImageSha256 { get; init; } = [];

    /// <summary>Versions and thread count that made it.</summary>
    public string Obverse { get; init; } = Version;
    public string Libtorch { get; init; } = Runtime.Version;
    public int Threads { get; init; } = Runtime.Threads;

    /// <summary>In what the towers computed, "fp32" or "bf16"; null in runs of before there was a choice: fp32.</summary>
    public string? Precision { get; init; }

    /// <summary>The random numbers' source; null in runs of before it was stored: libtorch's Mersenne twister.</summary>
    public string? Random { get; init; } = Generator.Name;

    /// <summary>Where it was drawn; null: on the processor.</summary>
    public string? Device { get; init; }

    public static string Version { get; } = typeof(Run).Assembly.GetName().Version?.ToString(3) ?? "0";

    public string ToJson(bool indented = false) => PartJson.Write(this, indented);

    /// <exception cref="InvalidDataException">Not the JSON of a run.</exception>
    public static Run FromJson(string text)
    {
        try
        {
            var run = PartJson.Read<Run>(text);
            using var stored = JsonDocument.Parse(text);
            return stored.RootElement.TryGetProperty("random", out _) ? run : run with { Random = null };
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"not a run: {e.Message.Split('\n')[0]}", e);
        }
    }

    /// <summary>The run in a PNG that `obverse invert` wrote.</summary>
    public static Run FromPicture(string path) =>
        PngText.Read(path).Where(pair => pair.Key == Keyword).Select(pair => FromJson(pair.Value)).FirstOrDefault() ?? throw new InvalidDataException($"{path}: holds no run; only PNGs written by `obverse invert` do");

    /// <summary>Makes the inversion. The encoder is the run's model, loaded; it stays the caller's. So does a <paramref name="bank"/>; without one the run's own is read where its recipe has a prior.</summary>
    /// <param name="encoder">See above.</param>
    /// <param name="bank">See above.</param>
    /// <param name="fitting">Is told of the fit to the start picture, may keep it, or have it left out.</param>
    public Inversion Begin(ClipEncoder encoder, InrBank? bank = null, Fitting? fitting = null)
    {
        if (Recipe.Fit is null) return Begun(encoder, bank);
        if (Start is null) throw new ArgumentException($"recipe '{Recipe.Name}' works on a picture, and the run has no start picture");
        var inversion = Begun(encoder, bank);
        try
        {
            if (fitting is not { IsLeftOut: true }) Fit(inversion.Canvas, fitting ?? new());
            return inversion;
        }
        catch
        {
            inversion.Dispose();
            throw;
        }
    }

    private Inversion Begun(ClipEncoder encoder, InrBank? bank)
    {
        Encoder seen = Recipe.Sides.Count switch
        {
            0 => encoder,
            1 => encoder.At(Recipe.Sides[0]),
            _ => new EnsembleEncoder([.. Recipe.Sides.Select(side => ((Encoder)encoder.At(side), 1.0))]),
        };
        using var scope = new TensorScope();
        using var still = new NoGrad();
        IReadOnlyList<Target> targets = TensorScope.Unscoped(() => TargetsFor(seen));
        var (canvas, mask, background) = Prepare(encoder.Device);
        if (Recipe.Prior is not null)
        {
            try
            {
                (canvas, targets) = Guide(canvas, targets, encoder, bank);
            }
            catch
            {
                foreach (var made in (IDisposable?[])[canvas, mask, background, .. targets]) made?.Dispose();
                throw;
            }
        }

        return new Inversion
        {
            Canvas = canvas, Encoder = seen, Targets = targets, Views = Recipe.Views, Objective = Recipe.Objective, Schedule = Recipe.Schedule, Pace = Recipe.Pace, Seed = Seed,
            Mask = mask, Background = background, Belongings = [.. targets, .. new[] { mask, background }.OfType<IDisposable>()], ShowsLastSeen = Recipe.ShowsLastSeen, StopAfter = StoppedAfter,
        };
    }

    /// <summary>The canvas as it is before the first step; with a mask, that and what shows where it is 0.</summary>
    private (Canvas Canvas, Tensor? Mask, Tensor? Background) Prepare(Torch.Device device)
    {
        if (Width is < PictureSize.Least or > PictureSize.Most || Height is < PictureSize.Least or > PictureSize.Most) throw new ArgumentOutOfRangeException(nameof(Width), $"size {Width}x{Height}: sides of {PictureSize.Least} to {PictureSize.Most} pixels are wanted");
        using var random = Generator.For(Seed, 0);
        random.Device = device;
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var start = Start?.Load().ToTensor().Resize(Height, Width, Interpolation.Bicubic, antialias: true).Clamp(0, 1);
        var mask = Mask is null ? null : MaskOf(Mask.Load());
        if (mask is not null && start is null) throw new ArgumentException("a mask wants a start image: say which picture it is a part of");
        return (Recipe.Canvas.Create(1, Height, Width, random, Recipe.Fit is null ? start : null), mask?.OwnedCopy(), mask is null ? null : start!.OwnedCopy());
    }

    private IReadOnlyList<Target> TargetsFor(Encoder seen)
    {
        PromptPart[] texts = [.. Prompt.Texts], images = [.. Prompt.Images];
        return [.. seen.Members.Select(member =>
        {
            using var scope = new TensorScope();
            List<Tensor> rows = [];
            if (texts.Length > 0) rows.Add(member.Encoder.Embed([.. texts.Select(part => part.Text!)]));
            foreach (var (part, i) in images.Select((part, i) => (part, i)))
            {
                var file = i < ImageSha256.Count ? new StoredFile(part.Image!, ImageSha256[i]) : StoredFile.Of(part.Image!);
                rows.Add(Seen(member.Encoder, file.Load()));
            }

            var begun = Start is not null && Recipe.Fit is not null ? Seen(member.Encoder, Start.Load())[0] : null;
            var target = new Target(Tensor.Cat(rows), Tensor.From([.. texts.Concat(images).Select(part => (float)part.Weight)])) { Start = begun };
            foreach (var kept in new[] { target.Embeddings, target.Values, target.Direction, begun }.OfType<Tensor>()) scope.Keep(kept);
            return target;
        })];
    }

    // [1, d]
    private Tensor Seen(Encoder encoder, Picture picture)
    {
        if (Recipe.TargetViews is not { } views) return encoder.Embed(picture.ToTensor());
        using var random = Generator.For(Seed, 3);
        return encoder.Embed(views.Apply(picture.ToTensor().Resize(Height, Width, Interpolation.Bicubic, antialias: true).Clamp(0, 1), random)).Mean(0, keep: true).Normalized();
    }

    private Tensor MaskOf(Picture picture)
    {
        // A mask with alpha says it by alpha, one without by brightness.
        var plane = picture.HasAlpha
            ? Tensor.From(picture.Alpha, 1, 1, picture.Height, picture.Width).To(DType.Float32) / 255
            : picture.ToTensor().Mean(1, keep: true);
        return plane.Resize(Height, Width, Interpolation.Bilinear, antialias: true).Clamp(0, 1);
    }
}
