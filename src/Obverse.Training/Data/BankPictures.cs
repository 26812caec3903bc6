using Obverse.Evaluation;
using System.Text.RegularExpressions;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// The pictures of the shipped bank of implicit representations: drawings of concrete things (bank-things.txt) on plain backgrounds, each by one of the sets that pocket-clip's half is drawn by, and
/// photographs of the DreamBooth benchmark that are under the Unsplash licence. The same set gives the same bytes.
/// </summary>
public static partial class BankPictures
{
    private const int DrawingSide = 128, PhotoSide = 256, PhotosOfSubject = 3;

    private static readonly Dictionary<string, string> licences = new() { ["noto"] = "Apache-2.0", ["fluent-emoji"] = "MIT", ["fxemoji"] = "Apache-2.0" };

    /// <summary>Writes PNG files, `captions.tsv` (for `obverse index build`) and `sources.tsv` (source and licence of each); returns how many of each kind.</summary>
    /// <param name="set">That `obverse data pocket` built.</param>
    /// <param name="dreambooth">The benchmark's folder with its references_and_licenses.txt; null: no photographs.</param>
    /// <param name="folder">An existing folder.</param>
    /// <param name="remark">Called for what is left out.</param>
    public static (int Drawings, int Photographs) Write(PictureSet set, string? dreambooth, string folder, Action<string> remark)
    {
        List<string> captions = [], sources = [];
        var drawings = Drawings(set, folder, captions, sources, remark);
        var photographs = dreambooth is null ? 0 : Photographs(dreambooth, folder, captions, sources, remark);
        AtomicFile.WriteText(Path.Combine(folder, "captions.tsv"), string.Concat(captions.Select(line => line + "\n")));
        AtomicFile.WriteText(Path.Combine(folder, "sources.tsv"), string.Concat(sources.Select(line => line + "\n")));
        return (drawings, photographs);
    }

    private static int Drawings(PictureSet set, string folder, List<string> captions, List<string> sources, Action<string> remark)
    {
        var drawn = Enumerable.Range(0, set.Count).Where(i => !set.Entries[i].IsPhoto && licences.ContainsKey(set.Entries[i].Style)).ToLookup(i => set.Entries[i].Concept);
        var count = 0;
        foreach (var (thing, number) in Things().Select((thing, i) => (thing, i)))
        {
            // Styles in turn, and backgrounds by a walk that meets all of them.
            int[] ways = [.. drawn[thing].OrderBy(i => set.Entries[i].Style, StringComparer.Ordinal)];
            if (ways.Length == 0)
            {
                remark($"{thing}: no drawing of it in the set");
                continue;
            }

            var entry = set.Entries[ways[number % ways.Length]];
            var (rgba, width, height) = set.Read(ways[number % ways.Length]);
            var backdrop = Backdrop.All[number * 5 % Backdrop.All.Count].Shade(new Random(number));
            var size = DrawingSide * 7 / 8;
            var small = Resample.Premultiplied(rgba, width, height, 4, size, size);
            var laid = new byte[DrawingSide * DrawingSide * 4];
            var edge = (DrawingSide - size) / 2;
            for (var y = 0; y < size; y++) small.AsSpan(y * size * 4, size * 4).CopyTo(laid.AsSpan(((edge + y) * DrawingSide + edge) * 4));
            var name = $"drawing-{thing}.png";
            new Picture(DrawingSide, DrawingSide, backdrop.Under(laid)).Save(Path.Combine(folder, name));
            captions.Add($"{name}\ta drawing of {English.WithArticle(entry.Name)}");
            sources.Add($"{name}\t{entry.Style}: {entry.Source}\t{licences[entry.Style]}");
            count++;
        }

        return count;
    }

    // A subject's name stands before a colon; below it a line a picture, with its address where it is from Unsplash. Copies of a picture ("02 flipped") have none.
    private static int Photographs(string dreambooth, string folder, List<string> captions, List<string> sources, Action<string> remark)
    {
        var references = Path.Combine(dreambooth, "references_and_licenses.txt");
        if (!File.Exists(references)) throw new FileNotFoundException($"{references}: no such file; it says which photographs are free");
        var (subject, credit, taken, count) = ("", "", new HashSet<string>(), 0);
        var ofSubject = 0;
        foreach (var line in File.ReadLines(references))
        {
            if (SubjectLine().Match(line) is { Success: true } heading && Directory.Exists(Path.Combine(dreambooth, heading.Groups[1].Value)))
            {
                (subject, credit, ofSubject) = (heading.Groups[1].Value, "", 0);
                if (heading.Groups[2].Value.Trim() is { Length: > 0 } other) remark($"{subject}: left out ({other})");
            }
            else if (CreditLine().Match(line) is { Success: true } named) credit = named.Groups[1].Value;
            else if (PhotoLine().Match(line) is { Success: true } photo && subject.Length > 0 && ofSubject < PhotosOfSubject && taken.Add(photo.Groups[2].Value))
            {
                var file = Path.Combine(dreambooth, subject, photo.Groups[1].Value + ".jpg");
                if (!File.Exists(file)) continue;
                var name = $"photo-{subject.Replace('_', '-')}-{photo.Groups[1].Value}.png";
                new Picture(PhotoSide, PhotoSide, new ClipPreprocess { Size = PhotoSide }.Pixels(BlackBars.Trim(Picture.Load(file).OnWhite()))).Save(Path.Combine(folder, name));
                captions.Add($"{name}\ta photo of {English.WithArticle(subject.TrimEnd("0123456789".ToCharArray()).Replace('_', ' '))}");
                sources.Add($"{name}\t{photo.Groups[2].Value} by {credit}\tUnsplash licence");
                (ofSubject, count) = (ofSubject + 1, count + 1);
            }
        }

        return count;
    }

    private static string[] Things()
    {
        using var stream = typeof(BankPictures).Assembly.GetManifestResourceStream("bank-things.txt")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);
    }

    [GeneratedRegex(@"^(\w+):(.*)$")]
    private static partial Regex SubjectLine();

    [GeneratedRegex(@"^\(credit: (\S+)\)")]
    private static partial Regex CreditLine();

    [GeneratedRegex(@"^(\d+): +(https://unsplash\.com/photos/\S+)\s*$")]
    private static partial Regex PhotoLine();
}
