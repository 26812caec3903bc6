using Obverse.Jobs;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Torch;

public class OptimizerTests
{
    // Three steps on loss = sum(x²), x = [1, -2], worked by hand from the papers' formulas.
    [Fact]
    public void Adam_moves_by_the_formula()
    {
        using var x = Tensor.From([1.0, -2.0]);
        x.RequiresGrad = true;
        using var adam = new Adam([new("x", [x], 0.1)]);
        double[] p = [1, -2], m = [0, 0], v = [0, 0];
        for (var n = 1; n <= 3; n++)
        {
            adam.ZeroGrad();
            x.Square().Sum().Backward();
            adam.Step();
            for (var i = 0; i < 2; i++)
            {
                var g = 2 * p[i];
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                p[i] -= 0.1 * (m[i] / (1 - Math.Pow(0.9, n))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.999, n))) + 1e-8);
            }
        }

        var got = x.Detach().ToArray<double>();
        Assert.Equal(p[0], got[0], 1e-12);
        Assert.Equal(p[1], got[1], 1e-12);
    }

    [Fact]
    public void A_loaded_state_goes_on_as_if_never_stopped()
    {
        float[] Run(int steps, int stopAt)
        {
            using var x = Tensor.From([1f, -2f]);
            x.RequiresGrad = true;
            var adam = new Adam([new("x", [x], 0.1)], decoupled: true);
            for (var n = 0; n < steps; n++)
            {
                if (n == stopAt)
                {
                    var saved = adam.Save().ToDictionary(s => s.Key, s => s.Value.Clone());
                    adam.Dispose();
                    adam = new Adam([new("x", [x], 0.1)], decoupled: true);
                    adam.Load(name => saved.GetValueOrDefault(name)?.Clone());
                }

                adam.ZeroGrad();
                x.Square().Sum().Backward();
                adam.Step();
            }

            return x.ToFloats();
        }

        Assert.Equal(Run(6, -1), Run(6, 3));
    }

    [Fact]
    public void Clipping_scales_all_gradients_together()
    {
        using var a = Tensor.From([3f]);
        using var b = Tensor.From([4f]);
        a.RequiresGrad = b.RequiresGrad = true;
        (a.Square().Sum() * 0.5 + b.Square().Sum() * 0.5).Backward();
        using var sgd = new Sgd([new("ab", [a, b], 1)]);
        Assert.Equal(5, sgd.ClipNorm(1), 1e-5);
        Assert.Equal(0.6, a.Grad!.Item(), 1e-5);
        Assert.Equal(0.8, b.Grad!.Item(), 1e-5);
    }
}
