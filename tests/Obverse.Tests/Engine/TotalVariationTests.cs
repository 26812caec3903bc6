using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>CLIP-Inv's and CLIPStyler's total variations and their gradients against the authors' functions (fixture tree, `signals`; its spectra are not offered here).</summary>
public class TotalVariationTests
{
    public static TheoryData<string> Signals => Fixtures.Files("", "signals.json");

    [SkippableTheory, MemberData(nameof(Signals))]
    public void Both_are_their_authors(string path)
    {
        using var stored = new Case(path);
        var met = 0;
        foreach (var (kind, objective) in new[] { ("clipinv", new NeighbourNorm()), ("clipstyler", new NeighbourNorm { IsWhole = true }) })
        {
            foreach (var one in stored.Json.GetProperty("cases").EnumerateObject().Where(one => stored.Has($"{one.Name}.in.x")))
            {
                using var scope = new TensorScope();
                var x = stored[$"{one.Name}.in.x"].Clone();
                var count = x.Size(0);
                if (objective.IsWhole && count > 1) continue; // the authors' one length over several pictures: here each canvas has its own
                x.RequiresGrad = true;
                var value = objective.Evaluate(new Scene(x, 0, 1, _ => [])).Mean();
                var wanted = one.Value.GetProperty("expected").GetProperty("tv_" + kind).GetDouble();
                Assert.Equal(wanted, value.Item(), 1e-12 * Math.Max(1, wanted));
                met++;
                if (!stored.Has($"{one.Name}.out.gradient_{kind}")) continue; // a flat picture has none
                var gradient = stored[$"{one.Name}.out.gradient_{kind}"];
                var off = (Tensor.Gradients(value, [x])[0]! - gradient).Abs().Max().Item();
                Assert.True(off <= 1e-12 * Math.Max(1, gradient.Abs().Max().Item()), $"{path}: {one.Name}, {kind}: the gradient is off by {off:g3}");
            }
        }

        Assert.True(met > 0, path);
    }
}
