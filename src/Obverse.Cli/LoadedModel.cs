using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>A model that a command works with, by the name it was asked for.</summary>
internal sealed class LoadedModel : IDisposable
{
    public const string Default = "pocket-clip", Judge = "pocket-judge";

    private LoadedModel(string name, ClipEncoder encoder, string sha256) => (Name, Encoder, Sha256) = (name, encoder, sha256);

    public string Name { get; }
    public ClipEncoder Encoder { get; }

    /// <summary>Of the weights' file.</summary>
    public string Sha256 { get; }

    /// <summary>Where a model is, before anything is loaded.</summary>
    /// <exception cref="UsageException">Nothing of that name.</exception>
    public static string Find(string name)
    {
        try
        {
            return Zoo.Resolve(name);
        }
        catch (FileNotFoundException missing)
        {
            throw new UsageException(missing.Message);
        }
    }

    /// <summary>Loads it, on so many threads; default: one a core.</summary>
    /// <exception cref="IOException">Its files are damaged; or it is to read texts and has no tokenizer.</exception>
    public static LoadedModel Open(string name, int? threads = null, bool reads = true, Device? device = null)
    {
        Find(name);
        MustExist(device);
        Runtime.Threads = threads ?? Environment.ProcessorCount;
        var encoder = ClipEncoder.Load(name, device);
        try
        {
            if (reads && encoder.Model.Tokenizer is null) throw new WeightsException($"{name}: no tokenizer in its folder, so it reads no texts; put its bpe.txt.gz there");
            return new(name, encoder, Run.Hash(Zoo.WeightsFile(name)));
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }

    /// <summary>Where a run was drawn.</summary>
    public static Device DeviceOf(Run run) => run.Device is { } named ? Device.Parse(named) : Device.Cpu;

    /// <exception cref="NotSupportedException">A device that this libtorch cannot reach.</exception>
    public static void MustExist(Device? device)
    {
        if (device is { Type: DeviceType.Cuda } && !Runtime.HasCuda) throw new NotSupportedException($"--device {device} was asked for, and libtorch {Runtime.Version} finds no CUDA; build with LIBTORCH=DIR of a CUDA libtorch, on a machine with its driver");
    }

    public void Dispose() => Encoder.Dispose();
}
