using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>A model that a command works with, by the name it was asked for.</summary>
internal sealed class LoadedModel : IDisposable
{
    public const string Default = "pocket-clip", Judge = "pocket-judge";

    /// <summary>Who draws: the robust tower, whose pictures the judge names far more often (docs/gallery).</summary>
    public const string Drawing = "pocket-clipag";

    private readonly Lazy<string> sha256;
    private readonly Lazy<string?> wordsSha256;

    private LoadedModel(string name, ClipEncoder encoder)
    {
        (Name, Encoder) = (name, encoder);
        sha256 = new(() => StoredFile.Hash(Zoo.WeightsFile(name)));
        wordsSha256 = new(() => encoder.Model.TextWeightsFile is { } file ? StoredFile.Hash(file) : null);
    }

    public string Name { get; }
    public ClipEncoder Encoder { get; }

    /// <summary>Of the weights' file; read when it is first asked for.</summary>
    public string Sha256 => sha256.Value;

    /// <summary>The same of the file its words are in, where that is another; else null.</summary>
    public string? WordsSha256 => wordsSha256.Value;

    /// <summary>"fp32" or "bf16".</summary>
    public string Precision => Encoder.Model.Precision.Name();

    /// <summary>Where a model is, before anything is loaded; a hub's repository is pulled where the cache lacks it.</summary>
    /// <exception cref="UsageException">Nothing of that name.</exception>
    /// <exception cref="HubException">A repository that cannot be pulled.</exception>
    public static string Find(string name, Screen screen)
    {
        try
        {
            return Zoo.Resolve(name);
        }
        catch (Exception wrong) when (wrong is FileNotFoundException or NotSupportedException)
        {
            if (wrong is FileNotFoundException && PulledModel.Meant(ModelName.Parse(name).Path) is { } repository) return PulledModel.Pull(repository, screen);
            throw new UsageException(wrong.Message);
        }
    }

    /// <summary>Loads it, on so many threads (default: one a core), and tells what is doubtful about it. A tower that is not to see or read is not made.</summary>
    /// <exception cref="IOException">Its files are damaged; or it is to read texts and has no tokenizer.</exception>
    public static LoadedModel Open(Screen screen, string name, int? threads = null, bool reads = true, bool sees = true, Device? device = null, Precision precision = Torch.Precision.Auto)
    {
        Find(name, screen);
        MustExist(device);
        Runtime.Threads = threads ?? Environment.ProcessorCount;
        var encoder = ClipEncoder.Load(name, device, precision);
        try
        {
            if (reads && encoder.Model.Tokenizer is null) throw new WeightsException($"{name}: no tokenizer in its folder, so it reads no texts; put its bpe.txt.gz there");
            // Now and not at first use: weights that are damaged are told before anything is drawn or written.
            if (reads) _ = encoder.Model.Text;
            if (sees) _ = encoder.Model.Image;
            foreach (var remark in encoder.Model.Remarks) screen.Note(remark);
            return new(name, encoder);
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }

    /// <summary>Where a run was drawn.</summary>
    public static Device DeviceOf(Run run) => run.Device is { } named ? Device.Parse(named) : Device.Cpu;

    /// <summary>In what a run's towers computed: runs of before there was a choice in float32.</summary>
    public static Precision PrecisionOf(Run run) => run.Precision is { } named ? Precisions.Parse(named) : Torch.Precision.Float32;

    /// <exception cref="NotSupportedException">A device that this libtorch cannot reach.</exception>
    public static void MustExist(Device? device)
    {
        if (device is { Type: DeviceType.Cuda } && !Runtime.HasCuda) throw new NotSupportedException($"--device {device} was asked for, and libtorch {Runtime.Version} has no CUDA; name a CUDA build of it by OBVERSE_LIBTORCH=DIR, on a machine with its driver");
    }

    public void Dispose() => Encoder.Dispose();
}
