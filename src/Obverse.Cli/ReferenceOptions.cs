using System.CommandLine;
using Obverse.Diffusion;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>How reference pictures become a prompt (SD-IPC): what `vary` and `story` share.</summary>
internal sealed class ReferenceOptions
{
    private readonly Option<string?> encoder = Flags.Text("--encoder", "MODEL", "The CLIP that sees the pictures; its text encoder must be the model's. [default: the model's own]");
    private readonly Option<double?> alpha = Flags.Number("--alpha", "A", "Weight of the text that changes the picture. [default: 0.9]", -1000, 1000);
    private readonly Option<bool> script = Flags.Switch("--script-edit", "Add each row's own text state, as the authors' script does, instead of the end token's.");
    private readonly Option<NormRule?> norm = Flags.Parsed<NormRule?>("--norm", "script|paper", "Norm rule of the converted vector: fixed in the text encoder's space (script) or relative to the image embedding (paper, eq. 6). [default: script]",
        text => text switch { "script" => NormRule.Script, "paper" => NormRule.Paper, _ => throw new FormatException("script or paper was wanted") });
    private readonly Option<double?> length = Flags.Number("--length", "L", "The norm. [default: 27.5 and 27 for CLIP ViT-L/14, else measured on captions]", 0, 1e6);
    private readonly Option<double?> cutoff = Flags.Number("--cutoff", "C", "Singular values of the text projection below this are dropped. [default: 0.3]", 0, 1e6);
    private readonly Option<ReferenceShare?> share = Flags.Parsed<ReferenceShare?>("--share", "mean|rows", "Several pictures: all rows hold their weighted mean on the sphere (mean), or the rows are shared out among them by weight (rows). [default: mean]",
        text => text switch { "mean" => ReferenceShare.Mean, "rows" => ReferenceShare.Rows, _ => throw new FormatException("mean or rows was wanted") });

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[encoder, share, alpha, script, norm, length, cutoff]) command.Add(option);
    }

    /// <summary>Whether something was set that only a text uses.</summary>
    public bool WantsText(ParseResult parsed) => parsed.GetValue(alpha) is not null || parsed.GetValue(script);

    public SampleReferences Of(ParseResult parsed, Workshop workshop, IEnumerable<SampleReference> pictures, string? edit, double? weight = null)
    {
        var all = pictures.ToArray();
        if (all.All(one => one.Weight == 0)) throw new UsageException("reference pictures: all weights are 0, one above 0 was wanted");
        var tuned = parsed.GetValue<string?>("--tuned") is { } delta && Path.Exists(delta) ? TunedDelta.InfoOf(delta) : null; // converted as it was tuned
        return new()
        {
            Pictures = [.. all], Share = parsed.GetValue(share) ?? ReferenceShare.Mean, Encoder = parsed.GetValue(encoder) is { } name ? workshop.Model(name).ForJob : null, Edit = edit, Alpha = weight ?? parsed.GetValue(alpha) ?? 0.9,
            EditRule = parsed.GetValue(script) ? EditRule.Script : EditRule.Paper, Norm = parsed.GetValue(norm) ?? tuned?.Norm ?? NormRule.Script, Length = parsed.GetValue(length), Cutoff = parsed.GetValue(cutoff) ?? tuned?.Cutoff ?? PromptConverter.DefaultCutoff,
        };
    }
}
