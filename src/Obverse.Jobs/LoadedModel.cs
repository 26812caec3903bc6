using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>A model with the name it was requested by and the hashes that jobs store.</summary>
public sealed class LoadedModel : IDisposable
{
    public const string Default = "pocket-clip", JudgeName = "pocket-judge";

    /// <summary>The default for drawing: the robust encoder, whose pictures reach a far higher accuracy under the judge (docs/gallery).</summary>
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

    /// <summary>SHA-256 of the weights file, computed at first use.</summary>
    public string Sha256 => sha256.Value;

    /// <summary>SHA-256 of the text encoder's file, if that is a separate one; else null.</summary>
    public string? TextSha256 => textSha256.Value;

    /// <summary>"fp32" or "bf16".</summary>
    public string Precision => Encoder.Model.Precision.Name();

    /// <summary>As a job names it.</summary>
    public JobModel ForJob => new(Name, Sha256, TextSha256);

    /// <summary>The folder of a model, found before anything is loaded.</summary>
    /// <param name="name">A folder, a file, a name of the zoo or a hub's repository.</param>
    /// <param name="pull">Fetches a repository that is not cached; null: refused.</param>
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

    /// <summary>The hub's repository of that name; null if it is a local path.</summary>
    public static HubRepository? Repository(string name) => HubRepository.TryParse(name) is { } repository && !Directory.Exists(name.Split('/')[0]) ? repository : null;

    /// <summary>Loads a model and reports remarks on it. An encoder that is not needed is not built.</summary>
    /// <param name="name">A folder, a file, a name of the zoo or a hub's repository.</param>
    /// <param name="workshop">Gives device, precision and threads; it does not own the model.</param>
    /// <param name="reads">Whether the text encoder is needed.</param>
    /// <param name="sees">Whether the image encoder is needed.</param>
    /// <exception cref="IOException">Its files are damaged; or texts are to be encoded and it has no tokenizer.</exception>
    public static LoadedModel Open(string name, Workshop workshop, bool reads = true, bool sees = true)
    {
        workshop.Find(name);
        MustExist(workshop.Device);
        Runtime.Threads = workshop.Threads ?? Environment.ProcessorCount;
        var encoder = ClipEncoder.Load(name, workshop.Device, workshop.Precision);
        try
        {
            if (reads && encoder.Model.Tokenizer is null) throw new WeightsException($"{name}: its folder has no tokenizer, which the text encoder needs; add its bpe.txt.gz");
            // Now and not at first use: damaged weights are reported before anything is drawn or saved.
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

    /// <exception cref="NotSupportedException">A device that this libtorch does not support.</exception>
    public static void MustExist(Device? device)
    {
        _ = device?.Checked();
    }

    public void Dispose() => Encoder.Dispose();
}
