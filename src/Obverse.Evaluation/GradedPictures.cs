using System.Globalization;
using Obverse.Files;

namespace Obverse.Evaluation;

/// <summary>A picture and its grade by a rater; higher is better.</summary>
public sealed record GradedPicture(string File, double Grade, string? Name);

/// <summary>A file of grades: per line a picture, its grade, and its right name unless the picture stores it, separated by tabs. Paths are relative to the file.</summary>
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
                throw new InvalidDataException($"{path}:{number}: '{line}' was given; a path, a number and optionally a name, separated by tabs, were wanted");
            found.Add(new(Path.Combine(folder, parts[0]), grade, parts.Length > 2 ? parts[2] : null));
        }

        if (found.Select(one => one.Grade).Distinct().Count() < 2 || found.Count < 3) throw new InvalidDataException($"{path}: {found.Count} pictures were given; at least three with different grades are wanted");
        return found;
    }

    /// <summary>Rank correlation of each of a judgement's numbers with the grades.</summary>
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
