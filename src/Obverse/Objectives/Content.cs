using System.Text.Json.Serialization;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Keeps the content of the start picture: squared distance of a network's features (CLIPStyler, spec canvases.md 5.8). With VGG19's weights the authors' own: mean squares at conv4_2 and conv5_2, added.
/// Without them an EfficientNet's maps at the same two scales, each divided by the start picture's mean square, times <see cref="TowerWeight"/>.
/// </summary>
/// <param name="Vgg">torchvision's VGG19 weights: a file; null: <paramref name="Tower"/>.</param>
/// <param name="Tower">A CLIP with an EfficientNet as image tower.</param>
[Part("content")]
public sealed record Content(string? Vgg = null, string Tower = "pocket-clip") : Objective
{
    private static readonly string[] taps = ["conv4_2", "conv5_2"], stages = ["stage2", "stage4"]; // strides of 8 and 16

    /// <summary>
    /// What stands for the size of VGG19's squares, which nothing divides, beside the authors' weights. Swept (docs/log): at 1 the network gives the photograph up for the style, a dog's face became
    /// stripes, in 60 steps and in 200; at 8 every contour stays; at 33 the style is a tint.
    /// </summary>
    public const double TowerWeight = 8;

    [JsonIgnore]
    public override IReadOnlyList<string> NeededWeights => [Vgg ?? Tower];

    /// <summary>Which network it looks through, for messages.</summary>
    [JsonIgnore]
    public string Looks => Vgg is null ? $"content by the features of {Tower}, since no VGG19 weights were given (--vgg FILE)" : $"content by VGG19's features ({Vgg})";

    public override Objective Bind(ObjectiveContext context)
    {
        var start = context.Start ?? throw new ArgumentException("content is that of a start picture: give it with --start");
        var file = context.WeightsFile(Vgg ?? Tower);
        if (Vgg is not null)
        {
            var network = TensorScope.Unscoped(() => Vgg19.Load(file, context.Device));
            context.Own(network);
            return Bound.Of(x => network.Features(x, taps).Values, start, isRelative: false, context);
        }

        var model = TensorScope.Unscoped(() => ClipModel.Open(Directory.Exists(file) ? file : Path.GetDirectoryName(file)!, context.Device));
        context.Own(model);
        var trunk = (model.Image as TimmVision)?.Trunk ?? throw new ArgumentException($"{Tower}: a CLIP with an EfficientNet as image tower was wanted");
        return Bound.Of(x =>
        {
            var trace = new Trace();
            _ = trunk.Forward(model.Normalize(x), trace);
            return stages.Select(stage => trace[stage].To(DType.Float32));
        }, start, isRelative: true, context);
    }

    public override Tensor Evaluate(Scene scene) => throw new InvalidOperationException("content: the objective was not bound to a start picture");

    /// <summary>The two maps of a picture through some network, against those of the start.</summary>
    internal sealed record Bound(Func<Tensor, IEnumerable<Tensor>> See, IReadOnlyList<(Tensor Map, double Scale)> Start) : Objective
    {
        public static Bound Of(Func<Tensor, IEnumerable<Tensor>> see, Tensor start, bool isRelative, ObjectiveContext context)
        {
            using var still = new NoGrad();
            var maps = see(start).Select(map => (Map: map.OwnedCopy(), Scale: isRelative ? TowerWeight / map.Square().Mean().Item() : 1)).ToArray();
            foreach (var (map, _) in maps) context.Own(map);
            return new(see, maps);
        }

        public override Tensor Evaluate(Scene scene) => See(scene.Image).Zip(Start, (now, start) => (now - start.Map).Square().Mean([1, 2, 3]) * start.Scale).Aggregate((a, b) => a + b);
    }
}
