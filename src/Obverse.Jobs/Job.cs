using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>
/// Everything that makes one result, as a value: the same job on the same machine with the same number of threads gives the same bytes. Outside files are named by path and hash. It is stored in the
/// PNG it made; `obverse replay` makes it again. Reading one touches no other file, no network and no libtorch.
/// </summary>
[Parts("job")]
public abstract record Job
{
    /// <summary>PNG text chunk, and metadata of safetensors, that holds a job.</summary>
    public const string Keyword = "obverse-run";

    /// <summary>The shape of the JSON that this version writes; it reads every earlier one (<see cref="JobFormat"/>).</summary>
    public const int CurrentFormat = 2;

    public int Format { get; init; } = CurrentFormat;

    /// <summary>Versions and thread count that made it.</summary>
    public string Obverse { get; init; } = Version;
    public string? Libtorch { get; init; }
    [Limit(0, 1024)]
    public int Threads { get; init; }

    /// <summary>Precision of the encoders, "fp32" or "bf16"; null in jobs stored before there was a choice: fp32.</summary>
    public string? Precision { get; init; }

    /// <summary>The random number generator; null in jobs stored before it had a name: libtorch's Mersenne twister.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)] // left out it would be today's
    public string? Random { get; init; } = Generator.Name;

    /// <summary>The device it was drawn on; null: the processor.</summary>
    public string? Device { get; init; }

    /// <summary>The JSON it was read from: an unchanged job is written back with the same bytes.</summary>
    [JsonIgnore]
    public string? Source { get; init; }

    public static string Version { get; } = typeof(Job).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <summary>Runs it: a stream of events that ends with <see cref="JobFinished"/>. Everything happens on the thread that asks for the next event; nothing is computed ahead.</summary>
    /// <param name="workshop">Models, banks and fits that jobs share; null: one of its own.</param>
    /// <param name="outputs">The files to save during and after it; null: none.</param>
    /// <param name="cancellation">Stops it after the current step; the picture so far is saved, with a checkpoint to resume from.</param>
    public abstract IAsyncEnumerable<JobEvent> Run(Workshop? workshop = null, Outputs? outputs = null, CancellationToken cancellation = default);

    /// <summary>With this machine's versions, threads and precision in place of the stored ones.</summary>
    public Job Here(string precision) => this with { Threads = Runtime.Threads, Libtorch = Runtime.Version, Obverse = Version, Random = Generator.Name, Precision = precision };

    public string ToJson(bool isIndented = false)
    {
        var now = PartJson.Write(this, isIndented);
        return Source is { } text && !isIndented && PartJson.Write(FromJson(text)) == now ? text : now;
    }

    /// <summary>True where both are the same job but for the number of threads.</summary>
    public bool MakesTheSameAs(Job other) => PartJson.Write(Essence) == PartJson.Write(other.Essence);

    /// <summary>The job without what changes nothing of its result.</summary>
    protected virtual Job Essence => this with { Threads = 0 };

    /// <summary>The step after which it was interrupted; null: it ran to its end.</summary>
    internal virtual int? Stopped => null;

    /// <summary>The job as it is when it runs to its end.</summary>
    internal virtual Job Unstopped => this;

    /// <summary>True where the file is there, whole, and was made by this very job, on however many threads.</summary>
    /// <param name="path">A PNG.</param>
    /// <param name="onDamage">Called with a line on a file that is there and damaged, or no picture of a job.</param>
    public bool IsMade(string path, Action<string>? onDamage = null)
    {
        if (!File.Exists(path)) return false;
        try
        {
            var file = Picture.ReadFile(path);
            PngText.MustBeIntact(file, path); // each chunk by its checksum: neither the job nor the pixels are decoded for it
            return FromPicture(file, path).MakesTheSameAs(this);
        }
        catch (Exception wrong) when (wrong is IOException or InvalidDataException)
        {
            onDamage?.Invoke(wrong.Message);
            return false;
        }
    }

    /// <exception cref="InvalidDataException">Not the JSON of a job, or one that asks for more than the command line allows; the message says where. Or of a later version, which the message names.</exception>
    public static Job FromJson(string text)
    {
        string? later;
        try
        {
            var node = JsonNode.Parse(text) as JsonObject ?? throw new JsonException("a JSON object was wanted");
            later = JobFormat.Later(node);
            if (later is null) return JobLimits.Checked(JobFormat.Current(node).Deserialize<Job>(PartJson.Options)!) with { Source = text };
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException or FormatException or ArgumentException or InvalidDataException)
        {
            throw new InvalidDataException(Visible.Of($"not a job: {(e is JsonException json ? PartJson.Placed(json) : e.Message).Split('\n')[0]}"), e);
        }

        throw new InvalidDataException(Visible.Of(later));
    }

    /// <summary>The job in a PNG that Obverse wrote.</summary>
    public static Job FromPicture(string path) => FromPicture(Picture.ReadFile(path), path);

    /// <summary>The same of its bytes, which errors call <paramref name="name"/>.</summary>
    public static Job FromPicture(ReadOnlySpan<byte> png, string name) =>
        (PngText.IsPng(png) ? PngText.Read(png, name) : []).Where(pair => pair.Key == Keyword).Select(pair => FromJson(pair.Value)).FirstOrDefault() ?? throw new InvalidDataException($"{name}: holds no job; only PNGs saved by Obverse do");

    /// <summary>The job that a canvas or a checkpoint belongs to.</summary>
    /// <exception cref="IOException">Not such a file.</exception>
    public static Job FromSafetensors(string path)
    {
        using var file = Safetensors.Open(path);
        return file.Metadata.TryGetValue(Keyword, out var text) ? FromJson(text) : throw new WeightsException($"{path}: holds no job; a canvas or checkpoint saved by Obverse was wanted");
    }

    /// <summary>Writes a picture with this job in it.</summary>
    public void SavePicture(Picture picture, string path) => picture.Save(path, text: [new(Keyword, ToJson())]);
}
