using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>A model by the name it was asked for, with the hashes that jobs remember it by.</summary>
public sealed class LoadedModel : IDisposable
{
    public const string Default = "pocket-clip", JudgeName = "pocket-judge";

    /// <summary>Who draws: the robust tower, whose pictures the judge names far more often (docs/gallery).</summary>
    public const string Drawing = "pocket-clipag";

    private readonly Lazy<string> sha256;
    private readonly Lazy<string?> textSha256;

    private LoadedModel(string name, ClipEncoder encoder)
    {
        (Name, Encoder) = (name, encoder);
        sha256 = new(() => StoredFile.Hash(Zoo.WeightsFile(name)));
        textSha256 = new(() => encoder.Model.TextWeightsFile is { } file ? StoredFile.Hash(file) : null);
    }

    public string Name { get; }
    public ClipEncoder Encoder { get; }

    /// <summary>Of the weights' file; read when it is first asked for.</summary>
    public string Sha256 => sha256.Value;

    /// <summary>The same of the text encoder's file, where that is another; else null.</summary>
    public string? TextSha256 => textSha256.Value;

    /// <summary>"fp32" or "bf16".</summary>
    public string Precision => Encoder.Model.Precision.Name();

    /// <summary>As a job names it.</summary>
    public JobModel ForJob => new(Name, Sha256, TextSha256);

    /// <summary>Where a model is, before anything is loaded.</summary>
    /// <param name="name">A folder, a file, a name of the zoo or a hub's repository.</param>
    /// <param name="pull">Fetches a repository that the cache lacks; null: refused.</param>
    /// <exception cref="UsageException">Nothing of that name.</exception>
    /// <exception cref="HubException">A repository that cannot be pulled.</exception>
    public static string Find(string name, Func<HubRepository, string>? pull = null)
    {
        try
        {
            return Zoo.Resolve(name);
        }
        catch (Exception wrong) when (wrong is FileNotFoundException or NotSupportedException)
        {
            if (wrong is FileNotFoundException && pull is not null && Repository(ModelName.Parse(name).Path) is { } repository) return pull(repository);
            throw new UsageException(wrong.Message);
        }
    }

    /// <summary>The hub's repository that a name means; null where it looks like a path of this machine.</summary>
    public static HubRepository? Repository(string name) => HubRepository.TryParse(name) is { } repository && !Directory.Exists(name.Split('/')[0]) ? repository : null;

    /// <summary>Loads it and tells what is doubtful about it. A tower that is not to see or read is not made.</summary>
    /// <param name="name">A folder, a file, a name of the zoo or a hub's repository.</param>
    /// <param name="workshop">Whose device, precision and threads it has; it is not kept there.</param>
    /// <param name="reads">Whether it is to read texts.</param>
    /// <param name="sees">Whether it is to see pictures.</param>
    /// <exception cref="IOException">Its files are damaged; or it is to read texts and has no tokenizer.</exception>
    public static LoadedModel Open(string name, Workshop workshop, bool reads = true, bool sees = true)
    {
        workshop.Find(name);
        MustExist(workshop.Device);
        Runtime.Threads = workshop.Threads ?? Environment.ProcessorCount;
        var encoder = ClipEncoder.Load(name, workshop.Device, workshop.Precision);
        try
        {
            if (reads && encoder.Model.Tokenizer is null) throw new WeightsException($"{name}: no tokenizer in its folder, so it reads no texts; put its bpe.txt.gz there");
            // Now and not at first use: weights that are damaged are told before anything is drawn or written.
            if (reads) _ = encoder.Model.Text;
            if (sees) _ = encoder.Model.Image;
            foreach (var remark in encoder.Model.Remarks) workshop.OnRemark(remark);
            return new(name, encoder);
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }

    /// <exception cref="NotSupportedException">A device that this libtorch cannot reach.</exception>
    public static void MustExist(Device? device)
    {
        if (device is { Type: DeviceType.Cuda } && !Runtime.HasCuda) throw new NotSupportedException($"--device {device} was asked for, and libtorch {Runtime.Version} has no CUDA; name a CUDA build of it by OBVERSE_LIBTORCH=DIR, on a machine with its driver");
    }

    public void Dispose() => Encoder.Dispose();
}
