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
        var include = new Option<string[]>("--include") { HelpName = "GLOB", Description = "Pull these files instead of the default: configs, tokenizer, card and one set of weights. May be given several times." };
        var exclude = new Option<string[]>("--exclude") { HelpName = "GLOB", Description = "Leave these files out. May be given several times." };
        var all = Flags.Switch("--all", "Pull every file of the repository.");
        var mirror = Flags.Text("--mirror", "DIR", "Copy from a folder instead: DIR/OWNER/NAME/FILES or DIR/OWNER/NAME/resolve/REVISION/FILES.");
        var json = Flags.Json();
        var command = new Command("pull",
            """
            Pull a model from a hub (HF_ENDPOINT) into the cache. One set of weights is chosen: open_clip's safetensors,
            else transformers', else pickles. Interrupted downloads resume; every file is checked against its hash.

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
            if (wanted.All && wanted.Include.Count > 0) throw new UsageException("give --all or --include, not both");
            var settings = HubSettings.FromEnvironment();
            var client = new HubClient(settings);
            var watch = Stopwatch.StartNew();
            HubSnapshot snapshot;
            using (var progress = new PullProgress(screen, parsed.GetValue(json)))
            {
                snapshot = client.Pull(asked, wanted, progress.Callback, parsed.GetValue(mirror), screen.Stop).GetAwaiter().GetResult();
            }

            var fetched = snapshot.Files.Where(file => file.Fetched).ToList();
            if (parsed.GetValue(json))
            {
                screen.Json(new { Event = "result", Repository = asked.Id, asked.Revision, snapshot.Commit, Path = snapshot.Folder, snapshot.Bytes, snapshot.Files, Seconds = Math.Round(watch.Elapsed.TotalSeconds, 3) });
                return 0;
            }

            screen.Say(snapshot.Folder);
            screen.Note($"{asked}: {snapshot.Files.Count} files, {Sizes.Show(snapshot.Bytes)}; {(fetched.Count == 0 ? "all cached" : $"{fetched.Count} fetched, {Sizes.Show(fetched.Sum(file => file.Size))} in {Durations.Show(watch.Elapsed.TotalSeconds)}")}");
            if (wanted.IsModel && !HubCache.IsModel(snapshot.Folder)) screen.Note($"{asked}: holds no weights under a known name; pull others with --all or --include");
            return 0;
        });
        return command;
    }
}
