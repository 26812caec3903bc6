using System.CommandLine;
using System.Diagnostics;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;

namespace Obverse.Cli.Commands;

/// <summary>`obverse models pull`: a repository into the cache.</summary>
internal static class ModelsPullCommand
{
    public static Command Create(Screen screen)
    {
        var repository = new Argument<string>("REPO") { Description = "OWNER/NAME, or OWNER/NAME@REVISION: a branch, a tag or a commit." };
        var include = new Option<string[]>("--include") { HelpName = "GLOB", Description = "These files instead of a model's own: configs, tokenizer, card and one set of weights. May be given more than once." };
        var exclude = new Option<string[]>("--exclude") { HelpName = "GLOB", Description = "None of these files. May be given more than once." };
        var all = Flags.Switch("--all", "Every file of the repository.");
        var mirror = Flags.Text("--mirror", "DIR", "Copy from a folder: DIR/OWNER/NAME/FILES or DIR/OWNER/NAME/resolve/REVISION/FILES.");
        var json = Flags.Switch("--json", "Print progress and result as JSON lines.");
        var command = new Command("pull",
            """
            Pull a model's files from a hub (HF_ENDPOINT) into the cache. Weights: open_clip's safetensors, else
            transformers', else pickles; only one set. What was cut off is gone on with; every file is checked by its hash.

              obverse models pull laion/CLIP-ViT-B-32-laion2B-s34B-b79K
              obverse models pull openai/clip-vit-base-patch32@main --exclude "tokenizer*"
              obverse models pull acme/thing --mirror /media/stick
            """)
        {
            repository, include, exclude, all, mirror, json,
        };
        command.SetAction(parsed =>
        {
            var asked = HubRepository.Parse(parsed.GetRequiredValue(repository));
            var wanted = new HubModelFiles { Include = parsed.GetValue(include) ?? [], Exclude = parsed.GetValue(exclude) ?? [], All = parsed.GetValue(all) };
            if (wanted.All && wanted.Include.Count > 0) throw new UsageException("--all takes every file and --include some: give only one of them");
            var settings = HubSettings.FromEnvironment();
            var client = new HubClient(settings);
            var watch = Stopwatch.StartNew();
            HubSnapshot snapshot;
            using (var progress = new PullProgress(screen, parsed.GetValue(json)))
            {
                snapshot = client.Pull(asked, wanted, progress.Told, parsed.GetValue(mirror), screen.Stop).GetAwaiter().GetResult();
            }

            var fetched = snapshot.Files.Where(file => file.Fetched).ToList();
            if (parsed.GetValue(json))
            {
                screen.Json(new { Event = "result", Repository = asked.Id, asked.Revision, snapshot.Commit, Path = snapshot.Folder, snapshot.Bytes, snapshot.Files, Seconds = Math.Round(watch.Elapsed.TotalSeconds, 3) });
                return 0;
            }

            screen.Say(snapshot.Folder);
            screen.Note($"{asked}: {snapshot.Files.Count} files, {Sizes.Show(snapshot.Bytes)}; {(fetched.Count == 0 ? "all were in the cache" : $"{fetched.Count} fetched, {Sizes.Show(fetched.Sum(file => file.Size))} in {Durations.Show(watch.Elapsed.TotalSeconds)}")}");
            if (wanted.IsModel && !HubCache.IsModel(snapshot.Folder)) screen.Note($"{asked}: no weights that Obverse knows by name among its files: --all or --include fetch others");
            return 0;
        });
        return command;
    }
}
