using System.Text.Json.Nodes;
using Obverse.Torch;

namespace Obverse.Models;

public sealed partial record ClipConfig
{
    private const string Quick = "-quickgelu";

    // open_clip's model_configs/*.json; a name that ends in -quickgelu is the same with that activation.
    private static readonly Lazy<JsonObject> architectures = new(() =>
    {
        using var stream = typeof(ClipConfig).Assembly.GetManifestResourceStream("architectures.json")!;
        return JsonNode.Parse(stream)!.AsObject();
    });

    /// <summary>Architectures known by open_clip's names; each goes by its name with -quickgelu behind it too.</summary>
    public static IReadOnlyList<string> Architectures => [.. architectures.Value.Select(a => a.Key)];

    /// <summary>True for a name that <see cref="Named"/> knows.</summary>
    public static bool Knows(string name) => architectures.Value.ContainsKey(Bare(name));

    /// <summary>A published architecture by open_clip's name ("ViT-B-32", "RN50x4", …), with exact GELU unless the name ends in -quickgelu or an activation is given: that belongs to the checkpoint.</summary>
    public static ClipConfig Named(string name, Activation? activation = null)
    {
        if (!Knows(name)) throw new NotSupportedException($"no architecture '{name}'; there are {string.Join(", ", Architectures)}, and each of them with {Quick}");
        var config = FromOpenClip(architectures.Value[Bare(name)]!.AsObject(), null);
        return config.With(activation ?? (name.EndsWith(Quick, StringComparison.Ordinal) ? Activation.QuickGelu : Activation.Gelu));
    }

    /// <summary>The same with another activation in both towers. (A ResNet's own has none: its ReLU is the architecture's.)</summary>
    public ClipConfig With(Activation activation) => this with
    {
        Vision = Vision.Stages is null && Vision.TimmName is null ? Vision with { Activation = activation } : Vision,
        Text = Text with { Activation = activation },
    };

    /// <summary>The same shapes, whatever the activation, the normalisation and who wrote it down.</summary>
    internal bool HasShapesOf(ClipConfig other) => With(Activation.Gelu) with { Origin = other.Origin, Mean = other.Mean, Std = other.Std } == other.With(Activation.Gelu);

    private static string Bare(string name) => name.EndsWith(Quick, StringComparison.Ordinal) ? name[..^Quick.Length] : name;
}
