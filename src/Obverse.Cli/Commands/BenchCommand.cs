using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse bench`: size and speed of models on this machine.</summary>
internal static class BenchCommand
{
    public static Command Create(Screen screen) => new("bench", "Measure the size and speed of a model on this machine.") { Model(screen) };

    private static Command Model(Screen screen)
    {
        var name = new Argument<string?>("MODEL") { Arity = ArgumentArity.ZeroOrOne, Description = "A folder, a file or a name of the zoo. [default: pocket-clip]" };
        var architecture = Flags.Text("--architecture", "NAME", "Architecture by its open_clip name, with --random: ViT-B-32, RN50x4, …");
        var random = Flags.Switch("--random", "Use random weights for --architecture instead of a model.");
        var batch = Flags.Whole("--batch", "Batch size. [default: 8]", 1, 4096);
        var repeats = Flags.Whole("--repeats", "Timed repetitions; the median is reported. [default: 3]", 1, 1000);
        var side = Flags.Whole("--side", "Picture side in pixels. [default: the model's own]", 1, 4096);
        var loadOnly = Flags.Switch("--load-only", "Time only the loading of both encoders.");
        var threads = Flags.Threads();
        var precision = Flags.Precision();
        var json = Flags.Json("Print one JSON object.");
        var command = new Command("model",
            """
            Measure a CLIP: parameters, load time, pictures embedded per second, time of a forward and backward pass to
            the pixels, and peak memory.

              obverse bench model pocket-clip
              obverse bench model ./ViT-L-14 --batch 4
              obverse bench model --architecture ViT-L-14 --random
            """)
        {
            name, architecture, random, batch, repeats, side, loadOnly, threads, precision, json,
        };
        command.SetAction(parsed =>
        {
            var (given, made) = (parsed.GetValue(name), parsed.GetValue(architecture));
            if (parsed.GetValue(random) != made is not null) throw new UsageException("give --architecture and --random together: random weights for a named architecture");
            if (given is not null && made is not null) throw new UsageException("give a model or --architecture, not both");
            if (made is not null && !ClipConfig.Knows(made)) throw new UsageException($"no architecture '{made}'; there are {string.Join(", ", ClipConfig.Architectures)}, and each of them with -quickgelu");
            if (made is null) CliModels.Find(given ?? LoadedModel.Default, screen);
            Runtime.Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount;
            var (count, times) = (parsed.GetValue(batch) ?? 8, parsed.GetValue(repeats) ?? 3);

            var computing = parsed.GetValue(precision) ?? Precision.Auto;
            using var generator = new Generator(1);
            var watch = Stopwatch.StartNew();
            double Lap()
            {
                var seconds = watch.Elapsed.TotalSeconds;
                watch.Restart();
                return seconds;
            }

            using var model = made is not null ? ClipModel.Random(ClipConfig.Named(made), generator, computing) : ClipModel.Open(given ?? LoadedModel.Default, precision: computing);
            var opened = Lap();
            _ = model.Image;
            var image = Lap();
            _ = model.Text;
            var text = Lap();
            foreach (var remark in model.Remarks) screen.Note(remark);

            using var clip = new ClipEncoder(model, made ?? given ?? LoadedModel.Default);
            using var seen = parsed.GetValue(side) is { } other ? clip.At(other) : null;
            var encoder = seen ?? clip;
            (double Embed, double Gradient) took = default;
            if (!parsed.GetValue(loadOnly))
            {
                using var pixels = generator.Uniform(0, 1, count, 3, encoder.Side, encoder.Side);
                took.Embed = Median(() =>
                {
                    using var still = new NoGrad();
                    _ = encoder.Embed(pixels);
                });
                using var leaf = pixels.Detach();
                leaf.RequiresGrad = true;
                took.Gradient = Median(() => _ = Tensor.Gradients(encoder.Embed(leaf).Sum(), [leaf]));
            }

            double Median(Action body)
            {
                var seconds = new List<double>();
                for (var i = 0; i <= times; i++) // the first warms up
                {
                    screen.Stop.ThrowIfCancellationRequested();
                    using var scope = new TensorScope();
                    var start = Stopwatch.GetTimestamp();
                    body();
                    if (i > 0) seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
                }

                return seconds.Order().ElementAt(seconds.Count / 2);
            }

            var (all, visual) = model.ParameterCounts();
            var timed = took.Embed > 0;
            if (parsed.GetValue(json))
            {
                screen.Json(new
                {
                    Event = "result", Model = encoder.Name, Parameters = all, VisualParameters = visual, encoder.Side, Dimension = model.EmbedDim, Batch = count, Runtime.Threads, Precision = model.Precision.Name(), OpenSeconds = opened, ImageTowerSeconds = image, TextTowerSeconds = text,
                    LoadSeconds = opened + image + text, EmbedSeconds = timed ? took.Embed : (double?)null, EmbeddingsPerSecond = timed ? count / took.Embed : (double?)null, GradientSeconds = timed ? took.Gradient : (double?)null, PeakMegabytes = PeakMegabytes(),
                });
                return 0;
            }

            void Line(string what, string value) => screen.Say($"{what,-12}{value}");
            var c = CultureInfo.InvariantCulture;
            Line("model", string.Create(c, $"{encoder.Name}, {encoder.Side} px, {model.EmbedDim} dimensions, computed in {model.Precision.Name()}"));
            Line("parameters", string.Create(c, $"{all:N0}, {visual:N0} of them in the image encoder"));
            Line(made is null ? "load" : "initialise", string.Create(c, $"{opened + image + text:0.00} s (open {opened:0.00}, image encoder {image:0.00}, text encoder {text:0.00})"));
            if (timed)
            {
                Line("embed", string.Create(c, $"{count / took.Embed:0.00} pictures/s (batch {count}, {Runtime.Threads} {(Runtime.Threads == 1 ? "thread" : "threads")})"));
                Line("gradient", string.Create(c, $"{took.Gradient:0.000} s forward and backward to the pixels (batch {count})"));
            }

            if (PeakMegabytes() is { } peak) Line("memory", string.Create(c, $"{peak:0} MB peak"));
            return 0;
        });
        return command;
    }

    // The kernel's high-water mark of resident memory; other systems have no equal file.
    private static double? PeakMegabytes()
    {
        if (!File.Exists("/proc/self/status")) return null;
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return line is null ? null : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
