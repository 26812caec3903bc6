using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse bank show`: what a bank holds, and what noise in its weights does.</summary>
internal static class BankShowCommand
{
    public static Command Create(Screen screen)
    {
        var bank = new Argument<string>("BANK") { Description = "A file that `obverse bank build` wrote." };
        var output = new Option<string>("--out", "-o") { HelpName = "SHEET.png", Description = "Where to write the contact sheet of rendered entries with their captions.", Required = true };
        var count = Flags.Whole("--count", "Entries on the contact sheet, spread evenly over the bank. [default: 60]", 1, 10_000);
        var robustness = Flags.Text("--robustness", "PLOT.png", "Also plot robustness to weight noise: PSNR against the relative norm of the noise.");
        var against = Flags.Text("--against", "BANK", "A second bank for the plot, such as one built with --no-awp.");
        var threads = Flags.Threads();
        var json = Flags.Json("Print the numbers as JSON lines.");
        var command = new Command("show",
            """
            Draw a contact sheet of the entries of a bank, and plot their robustness to weight noise.

              obverse bank show bank.safetensors -o bank.png
              obverse bank show bank.safetensors -o bank.png --robustness robust.png --against plain.safetensors
            """)
        {
            bank, output, count, robustness, against, threads, json,
        };
        command.SetAction(parsed =>
        {
            var sheet = OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".png", ".jpg", ".webp");
            var plot = parsed.GetValue(robustness) is { } asked ? OutputPaths.Wanting("--robustness", asked, ".png", ".jpg", ".webp") : null;
            if (plot is null && parsed.GetValue(against) is not null) throw new UsageException("--against needs --robustness, the file of the plot");
            Runtime.Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount;
            FileNames.MustBeWritable(sheet, 4 << 20);
            if (plot is not null) FileNames.MustBeWritable(plot);
            using var opened = InrBank.Open(parsed.GetRequiredValue(bank));
            using var other = parsed.GetValue(against) is { } second ? InrBank.Open(second) : null;
            if (opened.Count == 0) return screen.Fail($"{parsed.GetRequiredValue(bank)}: holds no entries", 1);
            var (chosen, asJson) = (opened.Evenly(parsed.GetValue(count) ?? 60), parsed.GetValue(json));
            opened.Sheet(chosen, Path.GetFileNameWithoutExtension(parsed.GetRequiredValue(bank))).Save(sheet);
            if (asJson) screen.Json(new { Event = "sheet", File = sheet, Shown = chosen.Count, Entries = opened.Count, Pairs = opened.Pairs.Count, opened.Index.Model, Psnr = opened.Psnr.Count > 0 ? Math.Round(opened.Psnr.Average(), 3) : (double?)null });
            else screen.Say($"{sheet}  {chosen.Count} of {opened.Count} entries, {opened.Pairs.Count} pairs, {opened.Plan.Size} wide x {opened.Plan.Hidden + 1}, for {opened.Index.Model}{(opened.Psnr.Count > 0 ? string.Create(CultureInfo.InvariantCulture, $", {opened.Psnr.Average():0.0} dB to the blurred pictures") : "")}");
            if (plot is null) return 0;

            List<NoiseCurve> curves = [];
            foreach (var (each, file) in new[] { (opened, parsed.GetRequiredValue(bank)), (other, parsed.GetValue(against)) })
            {
                if (each is null) continue;
                var curve = new WeightNoise().Measure(each, each.Evenly(parsed.GetValue(count) ?? 60), Path.GetFileNameWithoutExtension(file)!);
                curves.Add(curve);
                foreach (var (size, own, target) in curve.Points)
                {
                    if (asJson) screen.Json(new { Event = "noise", Bank = file, Noise = size, PsnrToOwn = Finite(own), PsnrToPicture = Finite(target) });
                    else screen.Say(string.Create(CultureInfo.InvariantCulture, $"{curve.Name}  noise {size:0.000}  {(double.IsFinite(own) ? $"{own:0.0} dB to its own rendering" : "its own rendering")}{(double.IsFinite(target) ? $"  {target:0.0} dB to the blurred picture" : "")}"));
                }
            }

            WeightNoise.Plot(curves).Save(plot);
            return 0;
        });
        return command;
    }

    private static double? Finite(double value) => double.IsFinite(value) ? Math.Round(value, 3) : null;
}
