using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Retrieval;

namespace Obverse.Cli.Commands;

/// <summary>`obverse bank`: implicit representations that an inversion starts from.</summary>
internal static class BankCommand
{
    public static Command Create(Screen screen) => new("bank", "Build and inspect banks of implicit representations, the starting points of the recipe `implicit`.") { BankBuildCommand.Create(screen), Merge(screen), BankShowCommand.Create(screen), BankPicturesCommand.Create(screen) };

    private static Command Merge(Screen screen)
    {
        var banks = new Argument<string[]>("BANK") { Arity = ArgumentArity.OneOrMore, Description = "Banks of one model with equal settings, such as those of `bank build --shard`." };
        var output = new Option<string>("--out", "-o") { HelpName = "BANK.safetensors", Description = "Where to write the merged bank.", Required = true };
        var json = Flags.Json("Print the result as a JSON line.");
        var command = new Command("merge",
            """
            Merge banks into one. Duplicate pictures are dropped; merging all shards of a build gives the same bytes as
            building it without --shard.

              obverse bank merge a.safetensors b.safetensors -o bank.safetensors
            """)
        {
            banks, output, json,
        };
        command.SetAction(parsed =>
        {
            var path = OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".safetensors");
            using var alone = FileLock.Take(path);
            FileNames.MustBeWritable(path);
            var (entries, dropped) = InrBankMerge.Join(parsed.GetRequiredValue(banks), path);
            if (parsed.GetValue(json)) screen.Json(new { Event = "result", File = path, Entries = entries, Dropped = dropped });
            else screen.Say($"{path}  {entries} entries{(dropped > 0 ? $", {dropped} duplicates dropped" : "")}");
            return 0;
        });
        return command;
    }
}
