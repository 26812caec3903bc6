using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse bank show`: what a bank holds, and what noise in its weights does.</summary>
internal static class BankShowCommand
{
    private const int Cell = 96;

    public static Command Create(Screen screen)
    {
        var bank = new Argument<string>("BANK") { Description = "A file that `obverse bank build` wrote." };
        var output = new Option<string>("--out", "-o") { HelpName = "SHEET.png", Description = "A contact sheet of the entries as they are rendered, with their captions.", Required = true };
        var count = Flags.Whole("--count", "How many entries, evenly from the first to the last. [default: 60]", 1, 10_000);
        var robustness = Flags.Text("--robustness", "PLOT.png", "Also plot how renderings stand noise in the weights: PSNR against its length, layer by layer.");
        var against = Flags.Text("--against", "BANK", "A second line in the plot, such as a bank built with --no-awp.");
        var threads = Flags.Whole("--threads", "Processor cores to use. [default: all]", 1, 1024);
        var json = Flags.Switch("--json", "Print the numbers as JSON lines.");
        var command = new Command("show",
            """
            Draw the entries of a bank, and plot how robust they are.

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
            if (plot is null && parsed.GetValue(against) is not null) throw new UsageException("--against is for --robustness: give a file for the plot");
            Runtime.Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount;
            FileNames.MustBeWritable(sheet, 4 << 20);
            if (plot is not null) FileNames.MustBeWritable(plot);
            using var opened = InrBank.Open(parsed.GetRequiredValue(bank));
            using var other = parsed.GetValue(against) is { } second ? InrBank.Open(second) : null;
            if (opened.Count == 0) return screen.Fail($"{parsed.GetRequiredValue(bank)}: has no entries", 1);
            var chosen = Evenly(opened.Count, parsed.GetValue(count) ?? 60);
            Sheet(opened, chosen, Path.GetFileNameWithoutExtension(parsed.GetRequiredValue(bank))).Save(sheet);
            if (parsed.GetValue(json)) screen.Json(new { Event = "sheet", File = sheet, Shown = chosen.Length, Entries = opened.Count, Pairs = opened.Pairs.Count, opened.Index.Model, Psnr = opened.Psnr.Count > 0 ? Math.Round(opened.Psnr.Average(), 3) : (double?)null });
            else screen.Say($"{sheet}  {chosen.Length} of {opened.Count} entries, {opened.Pairs.Count} pairs, {opened.Plan.Size} wide x {opened.Plan.Hidden + 1}, for {opened.Index.Model}{(opened.Psnr.Count > 0 ? string.Create(CultureInfo.InvariantCulture, $", {opened.Psnr.Average():0.0} dB to the blurred pictures") : "")}");
            if (plot is null) return 0;

            List<Series> lines = [];
            foreach (var (each, file) in new[] { (opened, parsed.GetRequiredValue(bank)), (other, parsed.GetValue(against)) })
            {
                if (each is null) continue;
                var name = $"{Path.GetFileNameWithoutExtension(file)}{(each.Settings is { } how ? how.Fit.Gamma > 0 ? string.Create(CultureInfo.InvariantCulture, $" (AWP {how.Fit.Gamma})") : " (plain)" : "")}";
                var measured = new WeightNoise().Measure(each, Evenly(each.Count, parsed.GetValue(count) ?? 60), each.Settings?.Side ?? Cell, entry => Target(each, entry));
                lines.Add(new($"{name}, to its own rendering", [.. measured.Select(at => at.ToOwn)], [.. measured.Select(at => at.Size)]));
                if (!double.IsNaN(measured[0].ToTarget)) lines.Add(new($"{name}, to the blurred picture", [.. measured.Select(at => at.ToTarget)], [.. measured.Select(at => at.Size)]));
                foreach (var (size, own, target) in measured)
                {
                    if (parsed.GetValue(json)) screen.Json(new { Event = "noise", Bank = file, Noise = size, PsnrToOwn = Finite(own), PsnrToPicture = Finite(target) });
                    else screen.Say(string.Create(CultureInfo.InvariantCulture, $"{name}  noise {size:0.000}  {(double.IsFinite(own) ? $"{own:0.0} dB to its own rendering" : "its own rendering")}{(double.IsFinite(target) ? $"  {target:0.0} dB to the blurred picture" : "")}"));
                }
            }

            new LinePlot { Title = "Renderings under noise in the weights", XLabel = "length of the noise / length of the matrix, every layer", YLabel = "PSNR, dB", Series = lines }.Draw().Save(plot);
            return 0;
        });
        return command;
    }

    private static Picture Sheet(InrBank bank, long[] entries, string title)
    {
        var cells = entries.Select(entry =>
        {
            using var scope = new TensorScope();
            using var canvas = bank.Take(entry, Cell, Cell);
            return (canvas.Show().ToPicture(), bank.Index.Captions.Count > 0 ? bank.Index.Captions[(int)entry] : $"entry {entry}");
        }).ToArray();
        return ContactSheet.Draw(cells, Math.Min(12, cells.Length), Cell, $"{title}: {entries.Length} of {bank.Count} entries", captionLines: 2);
    }

    // What an entry was fitted to, where its picture is still what it was.
    private static Tensor? Target(InrBank bank, long entry)
    {
        if (bank.Settings is not { } settings || bank.Index.Pictures.Count == 0 || bank.Index.Pictures[(int)entry] is not { Path.Length: > 0 } picture || !File.Exists(picture.Path) || StoredFile.Hash(picture.Path) != picture.Sha256) return null;
        return settings.Targets(settings.Pixels(picture.Path), 1);
    }

    private static long[] Evenly(long of, int wanted) => [.. Enumerable.Range(0, (int)Math.Min(of, wanted)).Select(i => i * of / Math.Min(of, wanted))];

    private static double? Finite(double value) => double.IsFinite(value) ? Math.Round(value, 3) : null;
}
