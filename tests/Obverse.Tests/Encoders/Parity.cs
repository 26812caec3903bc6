using System.Text.Json;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>Compares with what a reference library computed, and remembers the worst case for the message.</summary>
internal static class Parity
{
    /// <summary>Largest difference as a part of the larger of <paramref name="floor"/> and the expected tensor's largest absolute value.</summary>
    public static double Error(Tensor expected, Tensor got, double floor = 0)
    {
        Assert.Equal(expected.Shape, got.Shape);
        var (e, g) = (expected.ToFloats(), got.ToFloats());
        var (worst, scale) = (0.0, floor);
        for (var i = 0; i < e.Length; i++)
        {
            var difference = Math.Abs((double)e[i] - g[i]);
            if (!(difference <= worst)) worst = double.IsNaN(difference) ? double.PositiveInfinity : difference;
            scale = Math.Max(scale, Math.Abs(e[i]));
        }

        return worst == 0 ? 0 : worst / scale;
    }

    /// <summary>Fails where the error is above the tolerance. OBVERSE_PARITY names a file to which every comparison is added.</summary>
    public static void Close(string what, Tensor expected, Tensor got, double tolerance, double floor = 0)
    {
        var error = Error(expected, got, floor);
        Record(what, error, tolerance);
        Assert.True(error <= tolerance, FormattableString.Invariant($"{what}: off by {error:G4} of its scale, tolerance {tolerance:G3}"));
    }

    /// <summary>
    /// The gradient of sum(function(input)), of a network with kinks (ReLU6). A unit within rounding of its kink is open in one library and closed in
    /// another, and either gradient is right. So one that is off must be right at a place 1e-6 away, where that unit has changed sides; a
    /// gradient that is wrong stays wrong there. Pictures are compared one by one: they do not touch each other.
    /// </summary>
    public static void CloseGradient(string what, Tensor expected, Func<Tensor, Tensor> function, Tensor input, double tolerance)
    {
        using var random = new Generator(1);
        var scale = expected.Abs().Max().Item();
        var best = Enumerable.Repeat(double.PositiveInfinity, (int)expected.Size(0)).ToArray();
        for (var attempt = 0; attempt < 40 && best.Max() > tolerance; attempt++)
        {
            using var scope = new TensorScope();
            var at = (input + random.Normal(input.Shape) * (attempt == 0 ? 0 : attempt < 20 ? 1e-6 : 2e-6)).Detach();
            at.RequiresGrad = true;
            var gradient = Tensor.Gradients(function(at).Sum(), [at])[0]!;
            for (var i = 0; i < best.Length; i++) best[i] = Math.Min(best[i], Error(expected[i], gradient[i], scale));
            Record(attempt == 0 ? what : $"{what} 1e-6 away", best.Max(), tolerance);
        }

        Assert.True(best.Max() <= tolerance, FormattableString.Invariant($"{what}: off by {best.Max():G4} of its scale, tolerance {tolerance:G3}"));
    }

    /// <summary>The rows whose folder passes; one empty row where none does, so that the theory can skip.</summary>
    public static TheoryData<string> Where(TheoryData<string> folders, Func<string, bool> passes)
    {
        var rows = new TheoryData<string>();
        foreach (var row in (IEnumerable<object[]>)folders)
        {
            if (row[0] is string { Length: > 0 } folder && passes(Path.Combine(Fixtures.Root, folder))) rows.Add(folder);
        }

        if (!((IEnumerable<object[]>)rows).Any()) rows.Add("");
        return rows;
    }

    public static JsonElement Json(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(path));
        return document.RootElement.Clone();
    }

    /// <summary>The numbers in a sentence such as "2e-4 of the largest absolute value; 2e-3 for gradients".</summary>
    public static double[] Tolerances(string sentence) =>
        [.. System.Text.RegularExpressions.Regex.Matches(sentence, @"\d+(\.\d+)?e-\d+").Select(m => double.Parse(m.Value, System.Globalization.CultureInfo.InvariantCulture))];

    public static void Record(string what, double error, double tolerance)
    {
        if (Environment.GetEnvironmentVariable("OBVERSE_PARITY") is not { Length: > 0 } log) return;
        lock (recording) File.AppendAllText(log, FormattableString.Invariant($"{what}\t{error:G3}\t{tolerance:G3}\n"));
    }

    private static readonly Lock recording = new();
}
