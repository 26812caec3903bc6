using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>What running jobs share: loaded models and banks, fits, device and precision. It owns all of it.</summary>
public sealed class Workshop : IDisposable
{
    private readonly Dictionary<string, LoadedModel> models = [];
    private readonly Dictionary<string, InrBank> banks = [];
    private readonly Dictionary<string, StableDiffusionModel> diffusion = [];
    private readonly Dictionary<string, SampleModel> named = [];
    private readonly Lock gate = new();

    /// <summary>The device to compute on; null: the processor.</summary>
    public Device? Device { get; init; }
    public Precision Precision { get; init; } = Precision.Auto;

    /// <summary>Threads per picture, on whatever thread its job runs; null: those of that thread (<see cref="Runtime.Threads"/>), by default one per core.</summary>
    public int? Threads { get; init; }

    /// <summary>Called with remarks on a model.</summary>
    public Action<string> OnRemark { get; init; } = _ => { };

    /// <summary>Fetches a hub's repository that is not cached and returns its folder; null: refused.</summary>
    public Func<HubRepository, string>? Pull { get; init; }

    /// <summary>Whether a job that was read from a file may name files without their hashes, or on other machines.</summary>
    public bool AllowsFiles { get; init; }

    /// <summary>Whether a job that was read from a file may have a model fetched from the hub.</summary>
    public bool AllowsHub { get; init; }

    public CachedFits Fits { get; } = new();

    /// <summary>With the device, precision and threads of a stored job.</summary>
    public static Workshop For(Job job, int? threads = null, Action<string>? onRemark = null, Func<HubRepository, string>? pull = null, bool allowsFiles = false, bool allowsHub = false) => new()
    {
        Device = job.Device is { } named ? Torch.Device.Parse(named) : null, Precision = job.Precision is { } computed ? Precisions.Parse(computed) : Precision.Float32,
        Threads = threads ?? (job.Threads > 0 ? job.Threads : null), OnRemark = onRemark ?? (_ => { }), Pull = pull, AllowsFiles = allowsFiles, AllowsHub = allowsHub,
    };

    /// <summary>Gives the calling thread <see cref="Threads"/>, if a number is set.</summary>
    internal void UseThreads()
    {
        if (Threads is { } wanted && Runtime.Threads != wanted) Runtime.Threads = wanted;
    }

    /// <summary>The folder of a model, found before anything is loaded; a hub's repository that is not cached is pulled.</summary>
    /// <exception cref="UsageException">Nothing of that name.</exception>
    public string Find(string name) => LoadedModel.Find(name, Pull);

    /// <summary>A model by name, loaded at first use.</summary>
    /// <param name="name">A folder, a file, a name of the zoo or a hub's repository.</param>
    /// <param name="reads">Whether the text encoder is needed.</param>
    /// <param name="sees">Whether the image encoder is needed.</param>
    public LoadedModel Model(string name, bool reads = true, bool sees = true)
    {
        lock (gate)
        {
            if (!models.TryGetValue(name, out var model)) models.Add(name, model = LoadedModel.Open(name, this, reads, sees));
            return model;
        }
    }

    /// <summary>Loads a job's models. Where the job was read from a file, what it names is first held against what is allowed here.</summary>
    /// <exception cref="UsageException">It names a file without a hash, or a model that only the hub has.</exception>
    public void Admit(InversionJob job)
    {
        if (job.Source is not null) JobFiles.Check(job, this);
        foreach (var model in job.Models)
        {
            var loaded = Model(model.Name);
            if (job.Source is not null) JobFiles.Check(model, loaded, this);
        }
    }

    /// <inheritdoc cref="Admit(InversionJob)"/>
    public void Admit(Job job)
    {
        if (job is SampleJob sample) Admit(sample);
        else Admit(job as InversionJob ?? throw new NotSupportedException($"a job of the kind {job.GetType().Name}"));
    }

    /// <inheritdoc cref="Admit(InversionJob)"/>
    public void Admit(SampleJob job)
    {
        if (job.Source is not null) JobFiles.Check(job, this);
        Diffusion(job.Model.Name, job.Tuning);
        if (job.References?.Encoder is { } encoder && Model(encoder.Name) is var loaded && job.Source is not null) JobFiles.Check(encoder, loaded, this);
        if (job.Source is not null) JobFiles.Check(job.Model, ForJob(job.Model.Name, job.Tuning), this);
    }

    /// <summary>A Stable Diffusion model by folder, file, zoo name or hub repository, loaded at first use; one that is not cached is pulled.</summary>
    /// <param name="name">The base.</param>
    /// <param name="tuning">What it is changed by; null: nothing.</param>
    public StableDiffusionModel Diffusion(string name, SampleTuning? tuning = null)
    {
        lock (gate)
        {
            var key = tuning is null ? name : $"{name} {tuning.Key}";
            if (diffusion.TryGetValue(key, out var model)) return model;
            LoadedModel.MustExist(Device);
            Runtime.Threads = Threads ?? Environment.ProcessorCount;
            diffusion.Add(key, model = StableDiffusionModel.Load(FindDiffusion(name), Device, Precision));
            try { tuning?.ApplyTo(model); }
            catch
            {
                diffusion.Remove(key);
                model.Dispose();
                throw;
            }

            return model;
        }
    }

    /// <summary>A Stable Diffusion model as jobs name it, with its hashes: the base, whatever it is changed by.</summary>
    public SampleModel ForJob(string name, SampleTuning? tuning = null)
    {
        var model = Diffusion(name, tuning);
        lock (gate)
        {
            string? Hash(string? file) => file is null ? null : StoredFile.Hash(file);
            if (!named.TryGetValue(name, out var found)) named.Add(name, found = new(name, Hash(model.WeightsFile), Hash(model.AutoencoderFile), Hash(model.TextFile)));
            return found;
        }
    }

    private string FindDiffusion(string name)
    {
        try
        {
            return StableDiffusionModel.Find(name);
        }
        catch (FileNotFoundException wrong)
        {
            return Pull is not null && LoadedModel.Repository(name) is { } repository ? Pull(repository) : throw new UsageException(wrong.Message);
        }
    }

    /// <summary>A bank by file, if it is unchanged.</summary>
    public InrBank Bank(StoredFile file)
    {
        lock (gate)
        {
            if (banks.TryGetValue(file.Sha256, out var bank)) return bank;
            if (InrBank.Describe(file.Path) != file) throw new InvalidDataException($"{file.Path}: not the bank of the job (its SHA-256 differs)");
            banks.Add(file.Sha256, bank = InrBank.Open(file.Path, Device));
            return bank;
        }
    }

    /// <summary>The judge, a model that never draws.</summary>
    public Judge Judge(string name = LoadedModel.JudgeName)
    {
        Find(name);
        return Evaluation.Judge.Load(name, Device);
    }

    public void Dispose()
    {
        foreach (var bank in banks.Values) bank.Dispose();
        foreach (var model in models.Values) model.Dispose();
        foreach (var model in diffusion.Values) model.Dispose();
        Fits.Dispose();
    }
}
