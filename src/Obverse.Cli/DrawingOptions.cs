using System.CommandLine;
using System.Globalization;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>The options shared by all commands that draw.</summary>
internal sealed class DrawingOptions
{
    public const string BankText = "Bank of implicit representations, for recipes that start from one. [default: pocket-bank with pocket-clipag]";
    public const string RecipeText = $"a name from `obverse recipes`, or a .json file. [default: {Recipes.Default}; {Recipes.FromNothing} if the model has no bank";

    public Option<string?> Recipe { get; } = Flags.Text("--recipe", "NAME|FILE", $"Recipe: {RecipeText}; {Recipes.FromPicture} with --start]");
    public Option<string?> Model { get; } = Flags.Model("The CLIP to draw with: a folder, a file, a zoo name or a hub repository; several, separated by commas, are an ensemble.", LoadedModel.Drawing);
    public Option<string?> Bank { get; } = Flags.Text("--bank", "FILE", BankText);
    public Option<Quality?> Quality { get; } = QualityOption();
    public Option<int?> Steps { get; } = Flags.Whole("--steps", "Optimisation steps.", 1, 1_000_000);
    public Option<int?> Views { get; } = Flags.Whole("--views", "Augmentations per step.", 1, 1024);
    public Option<bool> Exact { get; } = Flags.Switch("--exact", "Disable progressive resolution: every step at full resolution with all views. Slower.");
    public Option<PictureSize?> Size { get; } = Flags.Size("--size", "Size to draw at. [default: the model's input size; of a start picture as many pixels, in its shape]");
    public Option<ulong?> Seed { get; } = Flags.Parsed<ulong?>("--seed", "N", "Random seed; the same seed gives the same picture. [default: 0]", text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : throw new FormatException("a whole number from 0 was wanted"));
    public Option<string?> Out { get; } = new("--out", "-o") { HelpName = "FILE.png", Description = "Where to write. [default: a name made of the prompt, in this folder]" };
    public Option<int?> Every { get; } = Flags.Whole("--every", "Save a numbered picture every N steps.", 1, 1_000_000);
    public Option<string?> Film { get; } = Flags.Text("--film", "FILE", "Save a film of the optimisation: .gif, .webp, or .mp4 if ffmpeg is installed.");
    public Option<string?> Save { get; } = Flags.Text("--save", "FILE", "Save the canvas (.safetensors), for `obverse render`.");
    public Option<int?> Threads { get; } = Flags.Threads();
    public Option<Device?> Device { get; } = Flags.Device();
    public Option<Precision?> Precision { get; } = Flags.Precision();
    public Option<bool> Json { get; } = Flags.Json();

    /// <param name="output">The description of --out.</param>
    public DrawingOptions(string? output = null)
    {
        if (output is not null) (Out.HelpName, Out.Description) = (output.StartsWith("Folder", StringComparison.Ordinal) ? "FOLDER" : Out.HelpName, output);
    }

    /// <summary>The options of the commands that work on pictures.</summary>
    public IEnumerable<Option> OfPictures => [Bank, Model, Quality, Steps, Views, Size, Seed, Out, Film, Every, Save, Threads, Device, Precision, Json];

    public static Option<Quality?> QualityOption() => Flags.Parsed<Quality?>("--quality", "draft|normal|best", "Choose steps, views and size together. [default: normal]", text =>
        Enum.TryParse<Quality>(text, ignoreCase: true, out var quality) && Enum.IsDefined(quality) && char.IsLetter(text[0]) ? quality : throw new FormatException("draft, normal or best was wanted"));

    /// <summary>The settings that were given; an option that the command does not have counts as not given.</summary>
    public InversionRequest Request(ParseResult parsed) => new()
    {
        Recipe = Get(parsed, Recipe), Models = Names(Get(parsed, Model)), Bank = Get(parsed, Bank), Quality = Get(parsed, Quality), Steps = Get(parsed, Steps), Views = Get(parsed, Views), Exact = Get(parsed, Exact), Size = Get(parsed, Size), Seed = Get(parsed, Seed) ?? 0,
    };

    public DrawingSession Session(ParseResult parsed, Screen screen) => new(screen)
    {
        Request = Request(parsed), Out = Get(parsed, Out), Every = Get(parsed, Every) ?? 0, Film = Get(parsed, Film), Save = Get(parsed, Save), Json = Get(parsed, Json),
        Threads = Get(parsed, Threads), Device = Get(parsed, Device), Precision = Get(parsed, Precision),
    };

    /// <summary>The parts of "A,B"; empty for null.</summary>
    public static IReadOnlyList<string> Names(string? text) => text?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>A picture's shape; an unreadable one fails here, before any model is loaded.</summary>
    public static PictureSize ShapeOf(string path) => Picture.Load(path) is var picture ? new(picture.Width, picture.Height) : default;

    private static T? Get<T>(ParseResult parsed, Option<T> option) => parsed.CommandResult.Command.Options.Contains(option) ? parsed.GetValue(option) : default;
}
