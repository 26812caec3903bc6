using System.Globalization;
using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Training;

/// <summary>The plot of a training log (<c>log.csv</c>): every part of the loss over the steps.</summary>
public static class TrainingCurves
{
    public static Picture Draw(string log, string title)
    {
        List<double> steps = [];
        Dictionary<string, List<double>> parts = [];
        foreach (var line in File.ReadLines(log).Skip(1))
        {
            if (line.Split(',') is not [var step, _, _, _, var values]) continue;
            foreach (var value in values.Split(' '))
            {
                if (value.Split('=') is not [var name, var number] || name == "norm") continue; // the gradient's, no part of the loss
                if (!parts.TryGetValue(name, out var curve)) parts[name] = curve = [.. Enumerable.Repeat(double.NaN, steps.Count)];
                curve.Add(double.Parse(number, CultureInfo.InvariantCulture));
            }

            steps.Add(double.Parse(step, CultureInfo.InvariantCulture));
            foreach (var curve in parts.Values) while (curve.Count < steps.Count) curve.Add(double.NaN);
        }

        return new LinePlot { Title = title, XLabel = "step", YLabel = "loss", Series = [.. parts.Select(part => new Series(part.Key, part.Value, steps))] }.Draw();
    }
}
