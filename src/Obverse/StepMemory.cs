using Obverse.Torch;

namespace Obverse;

/// <summary>What one step of an inversion takes beside the models' weights, in bytes, reckoned before anything is allocated: what its gradient needs stays until the end of the step. The slopes are measured (docs/log/2026-11.md).</summary>
/// <param name="Canvas">Parameters, their moments, and the rendered picture with all that leads to it.</param>
/// <param name="Views">The views' pictures, those of an objective's own views too.</param>
/// <param name="Encoder">The encoders' activations.</param>
public readonly record struct StepMemory(double Canvas, double Views, double Encoder)
{
    /// <summary>A view holds on to about four pictures of its own size: what it made and what its gradient wants.</summary>
    private const double BytesPerPixel = 48;

    public double Total => Canvas + Views + Encoder;

    /// <summary>The largest step of a recipe, drawn at a size by these encoders.</summary>
    public static StepMemory Of(Recipe recipe, IEnumerable<Encoder> encoders, long height, long width)
    {
        var all = encoders.ToArray();
        var stages = recipe.Schedule.Progressive?.Shares().Select(share => share.Stage) ?? [Stage.Whole];
        return stages.Select(stage => Of(recipe, all, stage, height, width)).MaxBy(step => step.Total);
    }

    private static StepMemory Of(Recipe recipe, Encoder[] encoders, Stage stage, long height, long width)
    {
        var (h, w) = (Stage.Side(height, stage.Resolution), Stage.Side(width, stage.Resolution));
        var margin = recipe.Canvas is Pyramid pyramid ? pyramid.Margin : 0;
        var (pictures, activations) = (0.0, 0.0);
        foreach (var views in (Views[])[stage.Of(recipe.Views), .. recipe.Objective.OwnViews])
        {
            var (seen, pixels) = ((h: h + 2 * (long)(h * margin), w: w + 2 * (long)(w * margin)), 0.0);
            foreach (var view in views.Chain)
            {
                pixels += (double)seen.h * seen.w;
                var next = view.SizeOf(seen.h, seen.w);
                seen = (Math.Max(1, next.Height), Math.Max(1, next.Width));
            }

            pictures += views.Count * pixels * BytesPerPixel * encoders.Length;
            activations += views.Count * encoders.Sum(encoder => encoder.BytesPerView(seen.h, seen.w));
        }

        return new(recipe.Canvas.BytesPerStep(h, w), pictures, activations);
    }
}
