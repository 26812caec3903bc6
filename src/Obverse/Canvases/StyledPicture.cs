using System.Text.Json.Serialization;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse;

/// <summary>A picture as a small network redraws it: the network's weights are what is moved (CLIPStyler, Kwon and Ye 2022; spec canvases.md 5.8). Saved, it redraws other pictures.</summary>
/// <param name="Width">Channels of the first layer; 16 as published.</param>
/// <param name="Weights">A trained network to begin with: its file; null: a random one.</param>
/// <param name="Contrast">The finished picture's contrast, 1.5 as published; 1: as it is.</param>
/// <param name="MinMax">Finished by stretching the values to 0 … 1, as the authors save.</param>
[Part("styled-picture")]
public sealed record StyledPicture([property: Limit(1, 256)] int Width = 16, string? Weights = null, [property: Limit(0, 100)] double Contrast = 1.5, bool MinMax = true) : CanvasPlan
{
    [JsonIgnore]
    public override IReadOnlyList<string> NeededWeights => Weights is null ? [] : [Weights];

    [JsonIgnore]
    public override bool NeedsStart => true;

    public override Canvas Create(CanvasContext context)
    {
        if (context.Start is not { } start) throw new ArgumentException("a styled picture needs the picture: give it with --start");
        if (context.Count != 1) throw new ArgumentException($"a styled picture's canvas holds one picture; {context.Count} were asked for");
        var network = TensorScope.Unscoped(() => Weights is null ? new StyleNet(Torch.Weights.New(context.Random), Width) : StyleNet.Load(context.WeightsFile(Weights), context.Random.Device));
        return new StyledCanvas(network, start.To(context.Random.Device), this);
    }
}

/// <summary>The network's tensors are the one parameter group, "network". It owns the network.</summary>
public sealed class StyledCanvas : Canvas
{
    private readonly StyleNet network;
    private readonly StyledPicture plan;
    private readonly Tensor content;
    private readonly Tensor[] parameters;

    public StyledCanvas(StyleNet network, Tensor content, StyledPicture plan)
    {
        (this.network, this.plan, this.content, parameters) = (network, plan, content.OwnedCopy(), [.. network.Parameters.Values]);
        foreach (var parameter in parameters) parameter.RequiresGrad = true;
    }

    public override long Count => 1;
    public override long Height => content.Size(2);
    public override long Width => content.Size(3);
    public override IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups => [("network", parameters)];

    public override Tensor Render() => network.Forward(content);
    public override Tensor Present(Tensor raw) => raw;

    /// <summary>The same network on the content at another size.</summary>
    public override Tensor Show(long height, long width)
    {
        using var still = new NoGrad();
        return (height, width) == (Height, Width) ? Show() : Finish(network.Forward(content.Resize(height, width, Interpolation.Bicubic, antialias: true).Clamp(0, 1)));
    }

    public override Tensor Finish(Tensor raw)
    {
        var shown = base.Finish(raw);
        if (plan.Contrast != 1) shown = new ContrastView { Factor = plan.Contrast }.Apply(shown, ViewParameters.None);
        if (!plan.MinMax) return shown;
        var (low, high) = (shown.Amin([1, 2, 3], keep: true), shown.Amax([1, 2, 3], keep: true));
        return (shown - low) / (high - low).ClampMin(1e-5); // torchvision's save_image(normalize=True)
    }

    public override IEnumerable<KeyValuePair<string, Tensor>> State() => network.Parameters.Select(pair => KeyValuePair.Create("network." + pair.Key, pair.Value));

    public override void Dispose()
    {
        content.Dispose();
        network.Dispose();
        GC.SuppressFinalize(this);
    }
}
