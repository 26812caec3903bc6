using System.CommandLine;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;

namespace Obverse.Cli.Commands;

/// <summary>`obverse models`: local models and those of a hub.</summary>
internal static class ModelsCommand
{
    public static Command Create(Screen screen) => new("models",
        """
        List, pull, verify and convert models of the zoo and of a hub. `--model OWNER/NAME` pulls a missing model by
        itself. The cache is shared with huggingface_hub: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE.

          obverse models list
          obverse models pull laion/CLIP-ViT-B-32-laion2B-s34B-b79K
          obverse models verify
        """)
    {
        ListCommand(screen), ModelsPullCommand.Create(screen), VerifyCommand(screen), PathCommand(screen), ModelsConvertCommand.Create(screen),
    };

    private static Command ListCommand(Screen screen)
    {
        var json = Flags.Json("Print one JSON line per model.");
        var command = new Command("list", "List the zoo's models, the cached repositories with revision, size and files, and robust CLIPs that others published.\n\n  obverse models list\n  obverse models list --json") { json };
        command.SetAction(parsed =>
        {
            foreach (var row in Rows())
            {
                if (parsed.GetValue(json)) screen.Json(row);
                else screen.Say($"{row.Name,-44} {(row.Commit is null ? row.Source : $"{string.Join(", ", row.Revisions)} {row.Commit[..12]}".TrimStart()),-24} {Sizes.Show(row.Bytes),10}  {row.Files.Count} files{(row.IsModel ? "" : ", incomplete model")}");
            }

            foreach (var robust in PublishedClip.All.Where(known => known.IsRobust))
            {
                if (parsed.GetValue(json)) screen.Json(new { Name = robust.Names[0], Source = "published", robust.Architecture, robust.Tag });
                else screen.Say($"{robust.Names[0],-44} published, robust: {(robust.Names[0].Contains('/', StringComparison.Ordinal) ? $"obverse models pull {robust.Names[0]}" : $"a file of that name is {robust}")}");
            }

            return 0;
        });
        return command;
    }

    private static Command VerifyCommand(Screen screen)
    {
        var repositories = new Argument<string[]>("REPO") { Description = "OWNER/NAME. [default: every cached repository]", Arity = ArgumentArity.ZeroOrMore };
        var repair = Flags.Switch("--repair", "Delete damaged files, so that the next pull fetches them again.");
        var json = Flags.Json("Print one JSON line per problem, and a summary.");
        var command = new Command("verify", "Check every cached file against its hash, and find dangling links, partial downloads and branches without a snapshot. Of files without a hash (file systems without links) the headers are read. Exit code 1 if there are problems.\n\n  obverse models verify\n  obverse models verify laion/CLIP-ViT-B-32-laion2B-s34B-b79K --repair") { repositories, repair, json };
        command.SetAction(parsed =>
        {
            var cache = new HubCache(HubSettings.FromEnvironment().Cache);
            var named = parsed.GetValue(repositories) ?? [];
            if (named.FirstOrDefault(Zoo.All.Contains) is { } own) throw new UsageException($"{own} is of the zoo, which came with the program; only the hub's cache is verified");
            foreach (var name in named.Where(name => !cache.Repositories.Contains(HubRepository.Parse(name).Id))) throw new IOException($"{name}: not in the hub's cache {cache.Folder}");
            var (wrong, compared, bytes, bare, bareBytes) = (0, 0, 0L, 0, 0L);
            var checks = new HubChecks
            {
                FaultOf = FileWholeness.FaultOf, OnHashed = (_, size) => (compared, bytes) = (compared + 1, bytes + size),
                OnUnhashed = (path, size) =>
                {
                    (bare, bareBytes) = (bare + 1, bareBytes + size);
                    if (parsed.GetValue(json)) screen.Json(new { Event = "unhashed", Path = path, Bytes = size });
                    else screen.Say($"{path}: no hash to compare it with");
                },
            };
            foreach (var id in named.Length > 0 ? named.Select(name => HubRepository.Parse(name).Id).Distinct() : cache.Repositories)
            {
                foreach (var problem in HubVerification.Check(cache, id, parsed.GetValue(repair), checks, screen.Stop))
                {
                    wrong++;
                    if (parsed.GetValue(json)) screen.Json(new { Event = "problem", problem.Repository, problem.Path, problem.What });
                    else screen.Say($"{problem.Repository}: {problem.Path}: {problem.What}");
                }
            }

            if (parsed.GetValue(json)) screen.Json(new { Event = "result", Files = compared, Bytes = bytes, Unhashed = bare, UnhashedBytes = bareBytes, Problems = wrong });
            else
            {
                var found = wrong switch { 0 when compared > 0 => ": no problems", 0 => "", 1 => ": 1 problem", _ => $": {wrong} problems" };
                screen.Say($"{compared} files, {Sizes.Show(bytes)} compared with their hashes{found}{(bare == 0 ? "" : $"; {bare} without a hash, {Sizes.Show(bareBytes)}: whole by their headers, content unknown")}");
            }

            return wrong == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command PathCommand(Screen screen)
    {
        var model = new Argument<string>("MODEL") { Description = "OWNER/NAME, OWNER/NAME@REVISION or a zoo name." };
        var json = Flags.Json("Print a JSON object.");
        var command = new Command("path", "Print the folder of a cached repository. Nothing is pulled.\n\n  obverse models path laion/CLIP-ViT-B-32-laion2B-s34B-b79K\n  ls $(obverse models path pocket-clip)") { model, json };
        command.SetAction(parsed =>
        {
            var name = parsed.GetRequiredValue(model);
            var cache = new HubCache(HubSettings.FromEnvironment().Cache);
            // A zoo name wins; a repository need not be a model here.
            var folder = Zoo.All.Contains(name) ? Zoo.Resolve(name) : cache.Snapshot(HubRepository.Parse(name)) ?? throw new IOException($"{name}: not in the hub's cache {cache.Folder}; `obverse models pull {name}` fetches it");
            if (parsed.GetValue(json)) screen.Json(new { Path = folder });
            else screen.Say(folder);
            return 0;
        });
        return command;
    }

    private static IEnumerable<Row> Rows()
    {
        foreach (var name in Zoo.All) yield return Of(name, "zoo", null, [], Zoo.Resolve(name)) with { IsModel = true };
        var cache = new HubCache(HubSettings.FromEnvironment().Cache);
        foreach (var id in cache.Repositories)
        {
            foreach (var (commit, revisions) in cache.Snapshots(id)) yield return Of(id, "cache", commit, revisions, cache.Snapshot(new(id, commit))!);
        }
    }

    private static Row Of(string name, string source, string? commit, IReadOnlyList<string> revisions, string folder)
    {
        var files = HubCache.Files(folder);
        return new(name, source, revisions, commit, folder, files.Sum(file => file.Size), files, HubCache.IsModel(folder));
    }

    private sealed record Row(string Name, string Source, IReadOnlyList<string> Revisions, string? Commit, string Path, long Bytes, IReadOnlyList<CachedFile> Files, bool IsModel);
}
