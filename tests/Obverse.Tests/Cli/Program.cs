using System.Text;
using System.Text.Json;
using Obverse.Cli;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>Commands set how many threads the whole process has: they run alone.</summary>
[CollectionDefinition("command line", DisableParallelization = true)]
public class RunAlone;

/// <summary>The command line in this process, in a folder of its own with a tiny random model.</summary>
public sealed class Program : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public Program()
    {
        var tokenizer = BpeTrainer.Train(["a tabby cat", "a red fox", "a photo of a dog", "the red cat"], merges: 12);
        using var random = new Generator(3);
        using var model = ClipModel.New(new()
        {
            Vision = new() { ImageSize = 32, PatchSize = 8, Width = 32, Heads = 2, Layers = 2, MlpWidth = 64, EmbedDim = 16 },
            Text = new() { ContextLength = 16, VocabularySize = tokenizer.VocabularySize, Width = 32, Heads = 2, Layers = 1, MlpWidth = 64, EmbedDim = 16 },
        }, random);
        model.Tokenizer = tokenizer;
        model.Save(Model);
    }

    public string Model => Path.Combine(folder.Path, "toy");

    /// <summary>Another model of the same shape and words, with weights of its own; its folder.</summary>
    public string Another(ulong seed)
    {
        using var toy = ClipModel.Load(Model);
        using var random = new Generator(seed);
        using var other = ClipModel.New(toy.Config, random);
        other.Tokenizer = toy.Tokenizer;
        other.Save(this["other"]);
        return this["other"];
    }

    /// <summary>Where the test's own files are.</summary>
    public string this[string name] => Path.Combine(folder.Path, name);

    public string[] Files => [.. Directory.EnumerateFiles(folder.Path).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    public byte[] Bytes(string name) => File.ReadAllBytes(this[name]);

    public Answer Run(params string[] args) => Run(default, new StringWriter(), OneThread(args));

    /// <summary>As if Ctrl-C were pressed when the step is told.</summary>
    public Answer Stopped(int step, params string[] args) => StoppedAt($"\"step\":{step},", args);

    /// <summary>The same when a line of progress holds this.</summary>
    public Answer StoppedAt(string sign, params string[] args)
    {
        using var stop = new CancellationTokenSource();
        return Run(stop.Token, new Watching(sign, stop), [.. OneThread(args), "--json"]);
    }

    // Tiny tensors gain nothing by a second thread, and lose much on a busy machine.
    private static string[] OneThread(string[] args) =>
        args is ["invert" or "embed" or "classify" or "judge" or "reconstruct" or "edit" or "restyle" or "probe", ..] && !args.Contains("--threads") && !args.Contains("--help") ? [.. args, "--threads", "1"] : args;

    private static Answer Run(CancellationToken stop, StringWriter output, string[] args)
    {
        using var error = new StringWriter();
        var code = CommandLine.Run(args, output, error, stop);
        return new(code, output.ToString(), error.ToString());
    }

    public void Dispose() => folder.Dispose();

    private sealed class Watching(string sign, CancellationTokenSource stop) : StringWriter
    {
        public override void WriteLine(string? line)
        {
            base.WriteLine(line);
            if (line?.Contains(sign, StringComparison.Ordinal) == true) stop.Cancel();
        }
    }
}

public sealed record Answer(int Code, string Output, string Error)
{
    public JsonElement[] Lines => [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    /// <summary>The one line that an error is.</summary>
    public string Line => Error.TrimEnd('\n').Contains('\n') ? throw new InvalidDataException($"more than one line: {Error}") : Error.TrimEnd('\n');
}
