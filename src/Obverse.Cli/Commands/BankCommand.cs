using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Retrieval;

namespace Obverse.Cli.Commands;

/// <summary>`obverse bank`: implicit representations that an inversion starts from.</summary>
internal static class BankCommand
{
    public static Command Create(Screen screen) => new("bank", "Make a bank of implicit representations that `implicit` starts from, and draw one.") { BankBuildCommand.Create(screen), Merge(screen), BankShowCommand.Create(screen), BankPicturesCommand.Create(screen) };

    private static Command Merge(Screen screen)
    {
        var banks = new Argument<string[]>("BANK") { Arity = ArgumentArity.OneOrMore, Description = "Banks of one model and equal settings, such as the parts of `--shard`." };
        var output = new Option<string>("--out", "-o") { HelpName = "BANK.safetensors", Description = "Where the whole goes.", Required = true };
        var json = Flags.Switch("--json", "Print the result as a JSON line.");
        var command = new Command("merge",
            """
            Join banks. A picture that is in several is there once; all parts of one build make the very file that the
            build makes at once.

              obverse bank merge a.safetensors b.safetensors -o bank.safetensors
            """)
        {
            banks, output, json,
        };
        command.SetAction(parsed =>
        {
            var path = OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".safetensors");
            FileNames.MustBeWritable(path);
            var (entries, dropped) = InrBankMerge.Join(parsed.GetRequiredValue(banks), path);
            if (parsed.GetValue(json)) screen.Json(new { Event = "result", File = path, Entries = entries, Dropped = dropped });
            else screen.Say($"{path}  {entries} entries{(dropped > 0 ? $", {dropped} duplicates dropped" : "")}");
            return 0;
        });
        return command;
    }

    public static Option<double?> Real(string name, string what, string description, double low, double high) => Flags.Parsed<double?>(name, what, description,
        text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var x) && x >= low && x <= high ? x : throw new FormatException($"a number from {low} to {high} was wanted"));
}
