using Obverse.Imaging;

namespace Obverse.Evaluation;

/// <summary>Measures two sets' pictures of one name by a <see cref="PairKind"/>; a pair that cannot be read, or of two sizes, is named and left out.</summary>
public static class PairEvaluation
{
    /// <param name="title">As the figure is called: LPIPS names its backbone.</param>
    /// <param name="distance">Of a pair.</param>
    /// <param name="a">The set that is judged.</param>
    /// <param name="b">The other.</param>
    /// <param name="onUnreadable">Called with the one line that says what is wrong with a pair.</param>
    /// <param name="onPair">Called with the name and value of each pair.</param>
    /// <param name="stop">Checked between pairs.</param>
    /// <exception cref="ArgumentException">No name in common.</exception>
    /// <exception cref="InvalidDataException">No pair can be measured.</exception>
    public static SetResult Measure(string title, Func<Picture, Picture, double> distance, PictureSource a, PictureSource b, Action<string>? onUnreadable = null, Action<string, double>? onPair = null, CancellationToken stop = default)
    {
        var (pairs, alone) = PairKind.Match(a, b);
        if (pairs.Count == 0) throw new ArgumentException($"{a.Path} and {b.Path}: no picture of one has a name of the other");
        Dictionary<string, double> scores = [];
        List<string> bad = [];
        foreach (var (i, j) in pairs)
        {
            stop.ThrowIfCancellationRequested();
            var name = a.Pictures[i].Name;
            try
            {
                static Picture Of(PictureSource source, int index) => Picture.Decode(source.Read(index), source.Pictures[index].Name).OnWhite();
                var value = scores[name] = distance(Of(a, i), Of(b, j));
                onPair?.Invoke(name, value);
            }
            catch (Exception wrong) when (wrong is PictureException or ArgumentException)
            {
                bad.Add($"{(wrong is PictureException ? "" : name + ": ")}{wrong.Message}");
                onUnreadable?.Invoke(bad[^1]);
            }
        }

        if (scores.Count == 0) throw new InvalidDataException($"{a.Path} and {b.Path}: none of the {pairs.Count:N0} pairs could be measured; {bad[0]}");
        double[] values = [.. scores.Values];
        var isFinite = values.All(double.IsFinite); // PSNR of equal pictures is not
        var interval = isFinite && values.Length > 1 ? ConfidenceInterval.Of(Resampling.Means(values, Resampling.Draws(values.Length))) : (ConfidenceInterval?)null;
        return new("", [new(title, values.Average(), interval, values.Length)], values.Length, 0, bad, isFinite ? scores : null, alone > 0 ? [$"{alone:N0} pictures have no partner of their name and are left out"] : []);
    }
}
