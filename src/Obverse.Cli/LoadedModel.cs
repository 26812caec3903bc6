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

    /// <summary>Where a model is, before anything is loaded; a hub's repository is pulled where the cache lacks it.</summary>
    /// <exception cref="UsageException">Nothing of that name.</exception>
    /// <exception cref="HubException">A repository that cannot be pulled.</exception>
    public static string Find(string name, Screen screen)
    {
        try
        {
            return Zoo.Resolve(name);
        }
        catch (FileNotFoundException missing)
        {
            if (PulledModel.Meant(name) is { } repository) return PulledModel.Pull(repository, screen);
            throw new UsageException(missing.Message);
        }
    }

    /// <summary>Loads it, on so many threads; default: one a core.</summary>
    /// <exception cref="IOException">Its files are damaged; or it is to read texts and has no tokenizer.</exception>
    public static LoadedModel Open(string name, Screen screen, int? threads = null, bool reads = true)
    {
        Find(name, screen);
        Runtime.Threads = threads ?? Environment.ProcessorCount;
        var encoder = ClipEncoder.Load(name);
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

    public void Dispose() => Encoder.Dispose();
}
