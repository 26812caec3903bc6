using Obverse;
using Obverse.Jobs;
using Obverse.Torch;

/// <summary>A canvas of one flat colour a cell.</summary>
[Part("mosaic")]
public sealed record Mosaic([property: Limit(1, 256)] int Cells = 16) : CanvasPlan
{
    public override Canvas Create(CanvasContext context) => new MosaicCanvas(context, Cells);
}

public sealed class MosaicCanvas(CanvasContext context, int cells) : Canvas
{
    private readonly Tensor colours = Leaf(() => context.Random.Uniform(0.4, 0.6, context.Count, 3, cells, cells));   // lives as long as the canvas

    public override long Count => context.Count;
    public override long Height => context.Height;
    public override long Width => context.Width;
    public override IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups => [("colours", [colours])];
    public override Tensor Render() => colours.Resize(Height, Width, Interpolation.Nearest, antialias: false);        // [count, 3, height, width]
}

public static class DrawMyRecipe
{
    public static void Run()
    {
        var mine = new Recipe
        {
            Name = "mosaic", About = "one flat colour a cell", Canvas = new Mosaic(24), Views = Views.Of(4).Scale(0.8, 1.2).Noise(0.1),
            Objective = Objective.Toward() + 0.1 * Objective.TotalVariation(), Schedule = Schedule.Adam(0.05).Steps(40),
        };
        using var workshop = new Workshop { Threads = 1 };
        var job = new InversionRequest { Prompt = "a sunflower", Size = new(96, 96), Adapt = _ => mine }.Check(workshop).Job(workshop);
        job.Finish(workshop, new Outputs("mosaic.png"));   // it replays wherever Mosaic is loaded
    }
}
