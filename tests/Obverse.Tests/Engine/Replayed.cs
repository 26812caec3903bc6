using Obverse.Torch;

namespace Obverse.Tests.Engine;

/// <summary>A view whose random numbers are recorded ones, so that also an objective's own views can be replayed.</summary>
internal sealed record Replayed(View Inner, Func<ViewParameters> Draws) : View
{
    public override ViewParameters Sample(Generator random, long count, long height, long width) => Draws();
    public override Tensor Apply(Tensor images, ViewParameters parameters) => Inner.Apply(images, parameters);
    public override (long Height, long Width) SizeOf(long height, long width) => Inner.SizeOf(height, width);

    /// <summary>N views of a picture, each through these in turn.</summary>
    public static Views Chain(int count, params (View View, Func<ViewParameters> Draws)[] chain) =>
        Views.Of(count) with { Chain = [.. chain.Select(pair => (View)new Replayed(pair.View, pair.Draws))] };

    /// <summary>Some of a trace's draws: <c>draw.step3.PREFIX.name</c>.</summary>
    public static ViewParameters From(Case trace, int step, string prefix, params string[] names)
    {
        var draws = new ViewParameters();
        foreach (var name in names) draws[name] = trace[$"draw.step{step}.{(prefix.Length == 0 ? "" : prefix + ".")}{name}"];
        return draws;
    }
}
