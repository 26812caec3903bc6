using System.CommandLine;
using System.Globalization;
using Obverse.Diffusion;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse ipc measure`: the numbers that pictures as prompts depend on.</summary>
internal static class IpcCommand
{
    public static Command Create(Screen screen)
    {
        var model = Flags.Model("The CLIP whose text projection is inverted.");
        var cutoff = Flags.Number("--cutoff", "C", "Singular values below this are dropped. [default: 0.3]", 0, 1e6);
        var threads = Flags.Threads();
        var json = Flags.Json();
        var measure = new Command("measure",
            """
            Mean norms of end-token states and of their projections over 100 captions, and the singular values of the text
            projection: what `obverse vary` scales and inverts by.

              obverse ipc measure --model ViT-L-14
            """)
        {
            model, cutoff, threads, json,
        };
        measure.SetAction(parsed =>
        {
            using var loaded = CliModels.Open(screen, parsed.GetValue(model) ?? LoadedModel.Default, parsed.GetValue(threads), sees: false, precision: Torch.Precision.Float32);
            var clip = loaded.Encoder.Model;
            var lengths = PromptLength.Measure(clip);
            using var converter = new PromptConverter(clip.Weights.All["text_projection"], parsed.GetValue(cutoff) ?? PromptConverter.DefaultCutoff);
            if (parsed.GetValue(json))
            {
                screen.Json(new { Event = "result", lengths.TextSpace, lengths.SharedSpace, lengths.Captions, converter.Rank, converter.SingularValues });
                return 0;
            }

            string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
            var values = converter.SingularValues;
            screen.Say($"mean norm over {lengths.Captions} captions: {Number(lengths.TextSpace)} in T-space (end token), {Number(lengths.SharedSpace)} in C-space (projected)");
            screen.Say($"singular values of the text projection: {Number(values[0])} … {Number(values[values.Count / 2])} … {Number(values[^1])}; {converter.Rank} of {values.Count} kept");
            return 0;
        });
        return new("ipc", "Pictures as prompts (SD-IPC): measure what the conversion depends on.") { measure };
    }
}
