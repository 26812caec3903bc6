using System.Text.Json.Serialization;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse;

/// <summary>What a hidden layer of an implicit representation does to W z + b.</summary>
public enum InrActivation { Finer, Siren }

/// <summary>
/// A small network from place (y, x) to colour, whose weights are the canvas: FINER (Liu et al. 2024), or SIREN (Sitzmann et al. 2020), which is FINER without
/// its factor alpha. Spec implicit-inversion.md 2.2.
/// </summary>
/// <param name="Hidden">Hidden sine layers after the first one.</param>
/// <param name="FirstBias">First-layer biases are drawn from U(±this); null, which JSON must say: as torch.nn.Linear draws them.</param>
[Part("inr")]
public sealed record Inr([property: Limit(0, 16)] int Hidden = 3, [property: Limit(1, 4096)] int Size = 256, InrActivation Activation = InrActivation.Finer, [property: Limit(1e-6, 1e6)] double FirstOmega = 30, [property: Limit(1e-6, 1e6)] double Omega = 30, [property: Limit(0, 1e6), JsonIgnore(Condition = JsonIgnoreCondition.Never)] double? FirstBias = 1) : CanvasPlan
{
    /// <summary>FINER of <paramref name="hidden"/> sine layers after the first, <paramref name="width"/> wide. Defaults of the spec (2.2): omega 30, first bias U(±1), alpha detached.</summary>
    public static Inr Finer(int hidden = 3, int width = 256, double omega = 30, double? firstBias = 1) => new(hidden, width, InrActivation.Finer, omega, omega, firstBias);

    public static Inr Siren(int hidden = 3, int width = 256, double omega = 30) => new(hidden, width, InrActivation.Siren, omega, omega, null);

    /// <summary>Weights by FINER's own initialisation: first U(±1/2), others U(±sqrt(6/in)/omega), biases U(±1/sqrt(in)).</summary>
    public override Canvas Create(CanvasContext context)
    {
        var (count, height, width, random, start) = context;
        if (start is not null) throw new ArgumentException("an INR canvas starts from weights, not from a picture; use a recipe that fits it to the picture, or the pyramid");
        using var scope = new TensorScope();
        var layers = new List<(Tensor, Tensor)>();
        for (var l = 0; l <= Hidden + 1; l++)
        {
            var (inputs, outputs) = (l == 0 ? 2 : Size, l == Hidden + 1 ? 3 : Size);
            var bound = l == 0 ? 1.0 / inputs : Math.Sqrt(6.0 / inputs) / Omega;
            var bias = l == 0 && FirstBias is { } k ? k : 1 / Math.Sqrt(inputs);
            layers.Add((random.Uniform(-bound, bound, count, outputs, inputs), random.Uniform(-bias, bias, count, outputs)));
        }

        return new InrCanvas(this, layers, height, width);
    }

    /// <summary>Measured: two and a half numbers a unit and place, and the grid.</summary>
    public override double BytesPerStep(long height, long width) => (double)height * width * ((Hidden + 1) * Size * 2.5 * sizeof(float) + 100);
}

/// <summary>Weights [count, out, in] and biases [count, out] of each layer: one matmul renders all pictures of the batch.</summary>
public sealed class InrCanvas : Canvas
{
    private readonly Inr plan;
    private readonly (Tensor Weight, Tensor Bias)[] layers;
    private readonly Tensor grid;

    public InrCanvas(Inr plan, IReadOnlyList<(Tensor Weight, Tensor Bias)> weights, long height, long width)
    {
        (this.plan, Height, Width) = (plan, height, width);
        layers = [.. weights.Select(w => (Leaf(() => w.Weight), Leaf(() => w.Bias)))];
        grid = Tensor.Owned(() => Grid(height, width, layers[0].Weight.Device).To(layers[0].Weight.DType));
    }

    public override long Count => layers[0].Weight.Size(0);
    public override long Height { get; }
    public override long Width { get; }
    public override IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups => [.. layers.Select((layer, i) => ($"layer{i}", (IReadOnlyList<Tensor>)[layer.Weight, layer.Bias]))];

    /// <summary>Places, row-major, as FINER has them: [height·width, 2] of (y, x), each from -1 to 1 with both ends (a side of one pixel is at -1), float32.</summary>
    public static Tensor Grid(long height, long width, Device? device = null) => GridRows(height, width, 0, height, device);

    private static Tensor GridRows(long height, long width, long top, long count, Device? device) => TensorScope.Of(() =>
    {
        var y = Tensor.From(Axis(height)[(int)top..(int)(top + count)]).Reshape(count, 1).Expand(count, width);
        var x = Tensor.From(Axis(width)).Reshape(1, width).Expand(count, width);
        return Tensor.Stack([y, x], -1).Reshape(count * width, 2).To(device ?? Device.Cpu);
    });

    // torch.linspace(-1, 1, n) to the last bit, as libtorch rounds it from 2.0 on (1.13 does so otherwise): halfway from each end, multiplied and added as one.
    private static float[] Axis(long n)
    {
        var step = n > 1 ? 2f / (n - 1) : 0;
        return [.. Enumerable.Range(0, (int)n).Select(i => n == 1 || i < n / 2 ? MathF.FusedMultiplyAdd(step, i, -1) : MathF.FusedMultiplyAdd(-step, n - i - 1, 1))];
    }

    /// <summary>Colours at every pixel, row-major: [count, height·width, 3].</summary>
    public Tensor Colours() => Colours(grid);

    /// <summary>Colours in [-1, 1] or beyond at places [n, 2]: [count, n, 3].</summary>
    public Tensor Colours(Tensor places)
    {
        var z = places.Unsqueeze(0).Expand(Count, places.Size(0), 2);
        for (var l = 0; l < layers.Length; l++)
        {
            using var scope = new TensorScope(); // what lies between goes at once, as in a transformer's block
            var (weight, bias) = layers[l];
            z = Count == 1 ? z.Squeeze(0).Linear(weight.Squeeze(0), bias.Squeeze(0)).Unsqueeze(0) : z.Matmul(weight.Transpose(1, 2)) + bias.Unsqueeze(1);
            if (l < layers.Length - 1) z = Sine(z, l == 0 ? plan.FirstOmega : plan.Omega, plan.Activation);
            scope.Keep(z);
        }

        return z;
    }

    /// <summary>sin(omega · alpha · pre) with alpha = |pre| + 1 held constant in the gradient (FINER's released code), or sin(omega · pre).</summary>
    public static Tensor Sine(Tensor pre, double omega, InrActivation activation) => pre.Device == Device.Cpu && pre.DType == DType.Float32 ? pre.FinerSine(omega, activation == InrActivation.Finer ? 1 : 0) : PlainSine(pre, omega, activation);

    /// <summary>The same by libtorch's operators, a pass each: for other devices and types, and what the fast one is tested against.</summary>
    public static Tensor PlainSine(Tensor pre, double omega, InrActivation activation)
    {
        if (activation == InrActivation.Siren) return (pre * omega).Sin();
        Tensor scale;
        using (new NoGrad()) scale = (pre.Abs() + 1).MulInPlace(omega);
        return (pre * scale).Sin();
    }

    public override Tensor Render() => Picture(grid, Height, Width);

    /// <summary>A coarser grid costs less: the function is evaluated at fewer positions.</summary>
    public override Tensor Render(long height, long width) => (height, width) == (Height, Width) ? Render() : Picture(Grid(height, width, grid.Device).To(grid.DType), height, width);

    /// <summary>The same function of place on a grid of another size.</summary>
    public override Tensor Show(long height, long width)
    {
        return TensorScope.Of(() => Finish(Picture(Grid(height, width, grid.Device).To(grid.DType), height, width)));
    }

    public override Tensor? ShowRows(long height, long width, long top, long count) =>
        TensorScope.Of(() => Finish(Picture(GridRows(height, width, top, count, grid.Device).To(grid.DType), count, width)));

    public override void Dispose()
    {
        base.Dispose();
        grid.Dispose();
    }

    private Tensor Picture(Tensor places, long height, long width) => Colours(places).Transpose(1, 2).Reshape(Count, 3, height, width) * 0.5 + 0.5;
}
