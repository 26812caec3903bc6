using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Retrieval;

namespace Obverse.Cli.Commands;

/// <summary>`obverse bank`: implicit representations that an inversion starts from.</summary>
internal static class BankCommand
{
    public static Command Create(Screen screen) => new("bank", "Build and inspect banks of implicit representations, the starting points of the recipe `implicit`.") { BankBuildCommand.Create(screen), Merge(screen), Embed(screen), BankShowCommand.Create(screen), BankPicturesCommand.Create(screen) };

    private static Command Embed(Screen screen)
    {
        var bank = new Argument<string>("BANK") { Description = "A bank that stores its captions." };
        var model = Flags.Text("--model", "NAME", "The model that the bank was built with. [default: the one it names]");
        var bare = Flags.Switch("--bare", "Drop \"a photo of\", \"a drawing of\" and the like from the captions.");
        var output = new Option<string>("--out", "-o") { HelpName = "BANK.safetensors", Description = "Where to write the bank.", Required = true };
        var command = new Command("embed",
            """
            Embed the captions of a bank again, after the model's text encoder has changed (`obverse train text`).
            Representations and image embeddings stay as they are.

              obverse bank embed pocket-bank --bare -o bank.safetensors
            """)
        {
            bank, model, bare, output,
        };
        command.SetAction(parsed =>
        {
            var path = OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".safetensors");
            FileNames.MustBeWritable(path);
            using var opened = InrBank.Open(parsed.GetRequiredValue(bank));
            using var loaded = CliModels.Open(screen, parsed.GetValue(model) ?? opened.Index.Model, reads: true, sees: false);
            if (loaded.Encoder.Dimension != opened.Index.Dimension) throw new UsageException($"--model: {loaded.Encoder.Name} has {loaded.Encoder.Dimension} dimensions, the bank has {opened.Index.Dimension}");
            using var again = opened.Recaptioned(loaded.Encoder.Embed, parsed.GetValue(bare) ? Wordings.Bare : null);
            again.Save(path);
            screen.Say($"{path}  {again.Count} captions and {again.Pairs.Count} pairs embedded by {loaded.Encoder.Name}");
            return 0;
        });
        return command;
    }

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
