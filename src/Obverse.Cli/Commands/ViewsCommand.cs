using System.CommandLine;
using System.Text.RegularExpressions;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse views`: every view applied to a picture.</summary>
internal static partial class ViewsCommand
{
    private const int DefaultSide = 128;

    public static Command Create(Screen screen)
    {
        var input = new Argument<string?>("PICTURE") { Arity = ArgumentArity.ZeroOrOne, Description = "The picture to apply the views to. [default: a test picture]" };
        var output = new Option<string>("--out", "-o") { HelpName = "FILE.png", Description = "Where to write.", DefaultValueFactory = _ => "views.png" };
        var draws = Flags.Whole("--draws", "Random samples per view. [default: 5]", 1, 32);
        var seed = Flags.Seed();
        var command = new Command("views",
            """
            Draw a contact sheet of all views (augmentations). Each row is a view with its parameters; the last rows are the
            chains of the published methods.

              obverse views photo.jpg -o views.png
            """)
        {
            input, output, draws, seed,
        };
        command.SetAction(parsed =>
        {
            var path = OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".png", ".jpg", ".webp");
            FileNames.MustBeWritable(path, 4 << 20);
            var picture = parsed.GetValue(input) is { } file ? Square(Picture.Load(file)) : TestPicture();
            Sheet(picture, parsed.GetValue(draws) ?? 5, (ulong)(parsed.GetValue(seed) ?? 0)).Save(path);
            screen.Say($"{path}  {Views.Catalogue().Count} views");
            return 0;
        });
        return command;
    }

    // Two columns of rows: one would be a ribbon.
    private static Picture Sheet(Picture picture, int draws, ulong seed)
    {
        using var scope = new TensorScope();
        var rows = Views.ContactSheet(picture.ToTensor(), draws, seed).ToArray();
        return Beside([.. rows.Chunk((rows.Length + 1) / 2).Select(half => ContactSheet.Draw(
            [.. half.SelectMany(row => Enumerable.Range(0, draws).Select(i => (row.Pictures.ToPicture(i), "")))], draws, 112, rowHeadings: [.. half.Select(row => Parameters(row.Views) is { Length: > 0 } set ? $"{row.Name}: {set}" : row.Name)]))]);
    }

    // Of one view what is not as by default; of a chain the names.
    private static string Parameters(Views views)
    {
        static string Name(View view) => view.GetType().Name.Replace("View", "", StringComparison.Ordinal);
        if (views.Chain is not [var view]) return string.Join(", ", views.Chain.Select(Name));
        var usual = view.GetType().GetConstructor(Type.EmptyTypes) is { } make ? Members((View)make.Invoke(null)).ToHashSet() : [];
        return string.Join(", ", Members(view).Where(member => !usual.Contains(member)).Select(member => LongNumber().Replace(member.Replace(" =", "", StringComparison.Ordinal), "$1")));
    }

    [GeneratedRegex(@"(\d+\.\d\d\d)\d+")]
    private static partial Regex LongNumber();

    // "AffineView { Angle = -30 … 30, Scale = 1 }" is a record's way of printing itself.
    private static IEnumerable<string> Members(View view)
    {
        var text = view.ToString();
        var open = text.IndexOf('{');
        return open < 0 ? [] : text[(open + 1)..^1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    private static Picture Beside(IReadOnlyList<Picture> pictures)
    {
        var (width, height) = (pictures.Sum(p => p.Width), pictures.Max(p => p.Height));
        var rgb = new byte[width * height * 3];
        Array.Fill(rgb, (byte)255);
        var left = 0;
        foreach (var picture in pictures)
        {
            for (var y = 0; y < picture.Height; y++) picture.Rgb.Slice(y * picture.Width * 3, picture.Width * 3).CopyTo(rgb.AsSpan((y * width + left) * 3));
            left += picture.Width;
        }

        return new(width, height, rgb);
    }

    private static Picture Square(Picture picture)
    {
        var side = Math.Min(picture.Width, picture.Height);
        return picture.Crop((picture.Width - side) / 2, (picture.Height - side) / 2, side, side).Resize(DefaultSide, DefaultSide);
    }

    // Colours across, grey steps below, a ring and a letter-like corner: every change of place, size and colour can be seen.
    private static Picture TestPicture()
    {
        const int side = DefaultSide;
        var rgb = new byte[side * side * 3];
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
            {
                var (u, v) = (x / (side - 1.0), y / (side - 1.0));
                var radius = Math.Sqrt((u - 0.5) * (u - 0.5) + (v - 0.45) * (v - 0.45));
                (double r, double g, double b) = v > 0.85 ? (Math.Floor(u * 8) / 7, Math.Floor(u * 8) / 7, Math.Floor(u * 8) / 7)
                    : Math.Abs(radius - 0.28) < 0.05 ? (0.95, 0.9, 0.2)
                    : radius < 0.23 ? (0.8 - v, 0.3 + u / 2, 0.9 - u / 2)
                    : (u < 0.15 && v < 0.4) || (v < 0.12 && u < 0.4) ? (0.85, 0.1, 0.15)
                    : ((x / 16 + y / 16) % 2 == 0 ? (0.2, 0.45 + 0.4 * u, 0.75) : (0.25, 0.55 + 0.4 * u, 0.85));
                var at = (y * side + x) * 3;
                (rgb[at], rgb[at + 1], rgb[at + 2]) = ((byte)(255 * Math.Clamp(r, 0, 1)), (byte)(255 * Math.Clamp(g, 0, 1)), (byte)(255 * Math.Clamp(b, 0, 1)));
            }
        }

        return new(side, side, rgb);
    }
}
