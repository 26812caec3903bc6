using System.CommandLine;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse info`: the setup and its problems.</summary>
internal static class InfoCommand
{
    public static Command Create(Screen screen)
    {
        var json = Flags.Json("Print one JSON object.");
        var command = new Command("info",
            """
            Show the libtorch, threads, precision, device and models in use, problems found, and how to fix them.

              obverse info
            """)
        {
            json,
        };
        command.SetAction(parsed =>
        {
            Runtime.Threads = Environment.ProcessorCount; // as the commands have it
            var precision = Torch.Processor.Explain();
            var problems = Problems().ToList();
            var models = Zoo.Names.Select(Describe).ToList();
            problems.AddRange(models.Where(m => m.Problem is not null).Select(m => m.Problem!));
            if (parsed.GetValue(json))
            {
                screen.Json(new
                {
                    Obverse = Job.Version, Libtorch = Runtime.Version, LibtorchFolder = Runtime.Folder, Cpu = Cpu.Name, CpuFeatures = Torch.Processor.Features, Precision = Precision.Auto.On(Torch.Device.Cpu).Name(), PrecisionReason = precision, Cores = Environment.ProcessorCount, Runtime.Threads,
                    Device = Runtime.HasCuda ? "cuda" : "cpu", OmpNumThreads = Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), ZooFolder = Zoo.Folder, Models = models, Problems = problems,
                });
                return 0;
            }

            void Line(string name, object? value) => screen.Say($"{name,-12}{value}");
            Line("obverse", Job.Version);
            Line(".NET", Environment.Version);
            Line("libtorch", $"{Runtime.Version}, {Runtime.Folder}");
            Line("processor", $"{Cpu.Name}, {Environment.ProcessorCount} cores");
            Line("threads", $"{Runtime.Threads}{Setting("OMP_NUM_THREADS")}");
            Line("precision", precision);
            Line("device", Runtime.HasCuda ? "cpu; cuda with --device cuda" : "cpu");
            Line("zoo", Zoo.Folder ?? "none");
            foreach (var model in models.Where(model => model.Problem is null)) screen.Say($"  {model.Name,-16}{model.Megabytes:0.0} MB, {model.Side} px, {model.Dimension} dimensions");
            if (problems.Count == 0) screen.Say("no problems found");
            foreach (var problem in problems) screen.Say($"! {problem}");
            return 0;
        });
        return command;
    }

    private static string Setting(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? $", {name}={value}" : "";

    private static IEnumerable<string> Problems()
    {
        if (string.Equals(Environment.GetEnvironmentVariable("OMP_WAIT_POLICY"), "active", StringComparison.OrdinalIgnoreCase)) yield return "OMP_WAIT_POLICY is active: idle threads spin and slow down the working ones; unset it";
        if (int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), out var threads) && threads < Environment.ProcessorCount)
        {
            yield return $"OMP_NUM_THREADS={threads} on {Environment.ProcessorCount} cores; commands use all cores unless --threads is given";
        }

        if (Zoo.Folder is null) yield return "no zoo: models/ was not found next to the program or in a parent folder; set OBVERSE_ZOO to its folder";
        else if (!Directory.Exists(Zoo.Folder)) yield return $"the zoo's folder {Zoo.Folder} (OBVERSE_ZOO) does not exist";
        else
        {
            foreach (var wanted in new[] { LoadedModel.Default, LoadedModel.Drawing, LoadedModel.JudgeName })
            {
                if (!Zoo.Names.Contains(wanted)) yield return $"{wanted} is not in the zoo {Zoo.Folder}: `obverse train {(wanted == LoadedModel.Drawing ? "clipag" : "clip")}` makes it, or choose another with --model";
            }
        }
    }

    private static ModelFacts Describe(string name)
    {
        try
        {
            var file = Zoo.WeightsFile(name);
            var config = ClipConfig.Load(Path.Combine(Path.GetDirectoryName(file)!, "open_clip_config.json"));
            using var weights = Safetensors.Open(file); // its header is checked by opening it
            return new(name, new FileInfo(file).Length / 1e6, config.Vision.ImageSize, config.EmbedDim, null);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or NotSupportedException)
        {
            return new(name, 0, 0, 0, $"{name} cannot be used: {Failures.Describe(e).Message}");
        }
    }

    private sealed record ModelFacts(string Name, double Megabytes, int Side, int Dimension, string? Problem);
}
