using System.CommandLine;
using System.Globalization;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>What all commands that work on a picture, or compare drawings, have in common with `obverse invert`.</summary>
internal sealed class PictureOptions(string outDescription)
{
    private readonly Option<string?> model = Flags.Text("--model", "MODEL", "Which CLIP looks: a folder, a file or a name of the zoo. [default: pocket-clipag]");
    private readonly Option<Quality?> quality = Commands.InvertCommand.QualityOption("[default: normal]");
    private readonly Option<int?> steps = Flags.Whole("--steps", "How many steps to take.", 1, 1_000_000);
    private readonly Option<int?> views = Flags.Whole("--views", "How many views a step looks at.", 1, 1024);
    private readonly Option<PictureSize?> size = Flags.Parsed<PictureSize?>("--size", "N|WxH", "Size to draw at. [default: about the model's own]", text => PictureSize.Parse(text));
    private readonly Option<ulong?> seed = Flags.Parsed<ulong?>("--seed", "N", "Where randomness begins; the same seed gives the same picture. [default: 0]", text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : throw new FormatException("a whole number from 0 was wanted"));
    private readonly Option<string?> output = new("--out", "-o") { HelpName = "FILE.png", Description = outDescription };
    private readonly Option<string?> bank = Flags.Text("--bank", "FILE", "Bank of implicit representations (`obverse bank`).");
    private readonly Option<int?> every = Flags.Whole("--every", "Write a numbered picture every so many steps.", 1, 1_000_000);
    private readonly Option<string?> film = Flags.Text("--film", "FILE", "Write the making of the picture: .gif, .webp, or .mp4 where ffmpeg is installed.");
    private readonly Option<string?> save = Flags.Text("--save", "FILE", "Write the canvas (.safetensors), for `obverse render`.");
    private readonly Option<int?> threads = Flags.Whole("--threads", "Processor cores to use. [default: all]", 1, 1024);
    private readonly Option<Device?> device = Flags.Device();
    private readonly Option<Precision?> precision = Flags.Precision();
    private readonly Option<bool> json = Flags.Switch("--json", "Print progress and result as JSON lines.");

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { bank, model, quality, steps, views, size, seed, output, film, every, save, threads, device, precision, json }) command.Add(option);
    }

    public InvertSession Session(ParseResult parsed, Screen screen) => new(screen)
    {
        Model = parsed.GetValue(model), Quality = parsed.GetValue(quality), Steps = parsed.GetValue(steps), Views = parsed.GetValue(views), Size = parsed.GetValue(size), Seed = parsed.GetValue(seed),
        Out = parsed.GetValue(output), Bank = parsed.GetValue(bank), Every = parsed.GetValue(every) ?? 0, Film = parsed.GetValue(film), Save = parsed.GetValue(save),
        Threads = parsed.GetValue(threads), Device = parsed.GetValue(device), Precision = parsed.GetValue(precision), Json = parsed.GetValue(json),
    };

    /// <summary>A picture's shape; one that cannot be read is told before anything is loaded.</summary>
    public static PictureSize ShapeOf(string path) => Picture.Load(path) is var picture ? new(picture.Width, picture.Height) : default;

    /// <summary>Its name without folder and extension.</summary>
    public static string Stem(string path) => Path.GetFileNameWithoutExtension(path);
}
