using System.Globalization;
using Obverse.Files;

namespace Obverse.Evaluation;

/// <summary>A picture and what a person said of it, any number that is higher where more is seen.</summary>
public sealed record GradedPicture(string File, double Grade, string? Name);

/// <summary>A file of grades: a picture a line, then its grade, then what it should show (where the picture does not say so itself), by tabs. Paths are from the file's own folder.</summary>
public static class GradedPictures
{
    public static IReadOnlyList<GradedPicture> Read(string path)
    {
        var folder = path == "-" ? "." : Path.GetDirectoryName(path) ?? ".";
        var found = new List<GradedPicture>();
        foreach (var (line, number) in TextLines.Read(path).Select((line, i) => (line, i + 1)).Where(at => at.line.Length > 0))
        {
            var parts = line.Split('\t');
            if (parts.Length is < 2 or > 3 || !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var grade) || !double.IsFinite(grade))
                throw new InvalidDataException($"{path}:{number}: '{line}' was given; a picture's path, a number and perhaps a name, by tabs, were wanted");
            found.Add(new(Path.Combine(folder, parts[0]), grade, parts.Length > 2 ? parts[2] : null));
        }

        if (found.Select(one => one.Grade).Distinct().Count() < 2 || found.Count < 3) throw new InvalidDataException($"{path}: {found.Count} pictures; at least three, not all of one grade, are wanted: others order nothing");
        return found;
    }

    /// <summary>How each of a judgement's numbers orders the pictures, beside their grades.</summary>
    public static IReadOnlyList<(string Number, RankCorrelation Agreement)> Agreement(IReadOnlyList<GradedPicture> graded, IReadOnlyList<Judgement> judgements)
    {
        double[] grades = [.. graded.Select(one => one.Grade)];
        (string, RankCorrelation) Of(string number, Func<Judgement, double> value) => (number, RankCorrelation.Of([.. judgements.Select(value)], grades));
        return
        [
            Of("low-pass log-probability", j => j.LowPass.LogProbability), Of("low-pass cosine", j => j.LowPass.Cosine),
            Of("full-resolution log-probability", j => j.FullResolution.LogProbability), Of("full-resolution cosine", j => j.FullResolution.Cosine),
        ];
    }
}
