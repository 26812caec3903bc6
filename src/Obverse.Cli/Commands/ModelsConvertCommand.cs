using System.CommandLine;
using System.Diagnostics;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse models convert`: weights to one safetensors file.</summary>
internal static class ModelsConvertCommand
{
    public static Command Create(Screen screen)
    {
        var input = new Argument<string>("FILE|FOLDER") { Description = "Weights: PyTorch (.pt, .bin, .ckpt, .pth, TorchScript), safetensors, an index of shards, or a model folder." };
        var output = new Option<string?>("--out", "-o") { HelpName = "OUT.safetensors", Description = "Where to write. [default: next to the input, as .safetensors]" };
        var type = Flags.Parsed("--dtype", "keep|fp16|fp32", "Element type of floating tensors. [default: keep]", text => text switch
        {
            "keep" => (DType?)null, "fp16" => DType.Float16, "fp32" => DType.Float32, _ => throw new FormatException("keep, fp16 or fp32 was wanted"),
        });
        var bare = Flags.Switch("--state-dict", "Convert only `state_dict`, and strip the prefix `module.` from names.");
        var single = Flags.Switch("--single", "Write a Stable Diffusion 1.x folder as the one file that other programs read (CompVis' names), element types as they are.");
        var force = Flags.Switch("--force", "Overwrite an existing file.");
        var json = Flags.Json("Print one JSON object.");
        var command = new Command("convert",
            """
            Convert weights to safetensors. Only tensors are read from PyTorch files, named by their keys joined by
            dots; pickled code is never executed, and files that need it are refused.

              obverse models convert ViT-B-32.pt
              obverse models convert pytorch_model.bin -o model.safetensors --dtype fp16
              obverse models convert stable-diffusion-v1-4 --single -o sd.safetensors
            """)
        {
            input, output, type, bare, single, force, json,
        };
        command.SetAction(parsed =>
        {
            var given = parsed.GetRequiredValue(input);
            if (parsed.GetValue(single))
            {
                if (parsed.GetValue(type) is not null || parsed.GetValue(bare)) throw new UsageException("--single keeps element types and names its tensors itself: give no --dtype or --state-dict with it");
                var one = OutputPaths.Wanting("--out", parsed.GetValue(output) ?? throw new UsageException("--single needs --out, the file to write"), ".safetensors");
                if (File.Exists(one) && !parsed.GetValue(force)) throw new UsageException($"{one} already exists; choose another name with -o, or overwrite it with --force");
                FileNames.MustBeWritable(one);
                StableDiffusionModel.SaveSingleFile(StableDiffusionModel.Find(given), one);
                if (parsed.GetValue(json)) screen.Json(new { Event = "result", Path = one, Bytes = new FileInfo(one).Length });
                else screen.Say($"{one}  {new FileInfo(one).Length / 1e6:0.0} MB; its configurations and tokenizer are read from a folder {Path.ChangeExtension(one, null)}, where there is one");
                return 0;
            }

            var source = Directory.Exists(given) ? WeightFiles.Find(given) : given;
            var target = OutputPaths.Wanting("--out", parsed.GetValue(output) ?? Beside(source), ".safetensors");
            if (File.Exists(target) && !parsed.GetValue(force)) throw new UsageException($"{target} already exists; choose another name with -o, or overwrite it with --force");
            var watch = Stopwatch.StartNew();
            using var file = WeightFile.Open(source);
            var names = parsed.GetValue(bare) ? WeightFiles.StateDict(file.Names) : file.Names.Select(name => (From: name, To: name));
            // Wide elements first, so that every tensor is aligned, as the format's own library does it.
            var plan = names.Select(name => Planned(file, name.From, name.To, parsed.GetValue(type))).OrderByDescending(tensor => Safetensors.ElementSize(tensor.Type)).ToList();
            if (plan.Count == 0) throw new WeightsException($"{source}: holds no tensors");
            if (plan.GroupBy(tensor => tensor.Name).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new WeightsException($"{source}: tensor '{twice.Key}' occurs twice");
            if (plan.Any(tensor => tensor.Name == "__metadata__")) throw new WeightsException($"{source}: a tensor is called __metadata__, a name reserved by safetensors");
            FileNames.MustBeWritable(target);
            var total = plan.Sum(tensor => tensor.Bytes);
            SafetensorsWriter.Write(target, plan, new Dictionary<string, string> { ["format"] = "pt" }, Progress(screen, total, watch));
            if (screen.IsLive && total > Big) screen.Error.Write("\r\e[K");
            if (parsed.GetValue(json)) screen.Json(new { Event = "result", Path = target, Tensors = plan.Count, Bytes = total, Seconds = watch.Elapsed.TotalSeconds });
            else screen.Say($"{target}  {plan.Count} tensors, {total / 1e6:0.0} MB, {Durations.Show(watch.Elapsed.TotalSeconds)}");
            return 0;
        });
        return command;
    }

    private const long Big = 100_000_000; // below, no progress is shown

    // pytorch_model.bin.index.json becomes model.safetensors, the name that libraries look for.
    private static string Beside(string source)
    {
        var name = Path.GetFileName(source);
        if (name.EndsWith(".index.json", StringComparison.Ordinal)) name = name[..^".index.json".Length];
        return Path.Combine(Path.GetDirectoryName(source) ?? "", Path.ChangeExtension(name.Replace("pytorch_model", "model", StringComparison.Ordinal), ".safetensors"));
    }

    private static PlannedTensor Planned(WeightFile file, string from, string name, DType? wanted)
    {
        var (type, shape) = file.Describe(from);
        var kept = wanted is null || wanted == type || type is not (DType.Float16 or DType.BFloat16 or DType.Float32 or DType.Float64);
        return kept ? new(name, type, shape, () => file[from]) : new(name, wanted!.Value, shape, () => TensorScope.Of(() => Narrowed(file, from, wanted.Value)));
    }

    private static Tensor Narrowed(WeightFile file, string name, DType wanted)
    {
        var tensor = file[name];
        var converted = tensor.To(wanted);
        if (converted.IsFinite().All().Item() == 0 && tensor.IsFinite().All().Item() != 0) throw new WeightsException($"{file.Path}: tensor '{name}' holds values too large for {wanted}");
        return converted;
    }

    private static Action<long> Progress(Screen screen, long total, Stopwatch watch)
    {
        var shown = 0L;
        return done =>
        {
            screen.Stop.ThrowIfCancellationRequested();
            if (total <= Big || watch.ElapsedMilliseconds - shown < (screen.IsLive ? 200 : 5000)) return;
            shown = watch.ElapsedMilliseconds;
            var line = $"{done / 1e6:N0} of {total / 1e6:N0} MB, {Durations.Show(watch.Elapsed.TotalSeconds / done * (total - done))} left";
            if (screen.IsLive) screen.Error.Write($"\r{line}\e[K");
            else screen.Progress(line);
        };
    }
}
