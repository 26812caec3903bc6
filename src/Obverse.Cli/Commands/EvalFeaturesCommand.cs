using System.CommandLine;
using Obverse.Evaluation;

namespace Obverse.Cli.Commands;

/// <summary>`obverse eval features`: fills the cache, in shards.</summary>
internal static class EvalFeaturesCommand
{
    public static Command Create(Screen screen)
    {
        var sets = new Argument<string[]>("PICTURES") { Description = "Folders, zips or captions.jsonl.", Arity = ArgumentArity.OneOrMore };
        var metric = Flags.Parsed<MetricKind?>("--for", "METRIC", "The metric that the features are for: it decides between pooled features and embeddings. [default: fid]", text => MetricKind.Find(text));
        var library = Flags.Text("--as", "LIBRARY", "How Inception's pictures are prepared, as `eval fid --as`. [default: pytorch-fid]");
        var shard = Flags.Shard("Only every N-th picture, from the I-th on.");
        var options = new EvalOptions();
        var command = new Command("features",
            """
            Compute the features of pictures before they are measured. With --shard several processes, or machines, take a
            share each and write files of their own; whatever measures next takes up all that lie in the cache's folder, and
            its figures are those of one process, to the last digit.

              obverse eval features drawn/ photos.zip --shard 1/4 --cache features
              obverse eval fid drawn/ photos.zip --cache features
            """)
        {
            sets, metric, library, shard,
        };
        foreach (var option in (Option[])[options.Network, options.Cache, options.Threads, options.Device, options.Json]) command.Add(option);
        command.SetAction(parsed =>
        {
            var kind = parsed.GetValue(metric) ?? MetricKind.Find("fid");
            using var network = options.Load(parsed, screen, pooled: !kind.Embeds, kind.Input(kind.Library(parsed.GetValue(library))));
            using var extraction = options.Extraction(parsed, network, parsed.GetValue(shard));
            var (done, bad) = (0, 0);
            foreach (var set in parsed.GetRequiredValue(sets))
            {
                using var status = new StatusLine(screen, parsed.GetValue(options.Json));
                using var pictures = EvalOptions.Open(set, captioned: false);
                var found = extraction.Of(pictures, line => screen.Note($"left out: {line}"), (at, of) =>
                {
                    if (status.IsDue()) status.Show($"{at:N0}/{of:N0} pictures", new { Event = "progress", Done = at, Of = of });
                }, screen.Stop);
                (done, bad) = (done + found.Rows.Count, bad + found.Unreadable.Count);
            }

            if (parsed.GetValue(options.Json)) screen.Json(new { Event = "result", Pictures = done, Unreadable = bad, Network = network.Name, File = extraction.Path });
            else screen.Say($"{done:N0} pictures by {network.Name} in {extraction.Path}");
            return bad == 0 ? 0 : 1;
        });
        return command;
    }
}
