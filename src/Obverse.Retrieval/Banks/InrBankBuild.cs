using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>Where a build is.</summary>
/// <param name="Done">Representations finished by this call.</param>
/// <param name="Of">Those it has to fit.</param>
/// <param name="Part">How far the batch at hand is, 0 … 1, and how many it fits.</param>
/// <param name="Psnr">Mean over those finished, dB; NaN before the first.</param>
public readonly record struct InrBankProgress(int Done, int Of, double Part, int BatchSize, double Psnr)
{
    public double Finished => Done + Part * BatchSize;
}

/// <summary>
/// A bank from an index's pictures (spec implicit-inversion.md 2.4). Finished representations go to a file beside the bank after every batch, so that the same build goes on where it was ended,
/// however it was. Batches are cut from the index before anything is left out: parts of a build are those of the whole.
/// </summary>
public sealed record InrBankBuild(RetrievalIndex Index, InrBankSettings Settings, string Path)
{
    public const int DefaultBatchSize = 8;

    /// <summary>Fitted together.</summary>
    public int BatchSize { get; init; } = DefaultBatchSize;

    /// <summary>The first N of the index; null: all.</summary>
    public int? Count { get; init; }

    /// <summary>Which part of how many, from 1; whole batches go to a part.</summary>
    public (int Part, int Of) Shard { get; init; } = (1, 1);

    /// <summary>Many more pairs, for alignment and blending.</summary>
    public RetrievalIndex? Pairs { get; init; }

    /// <summary>Called with a line for each picture that is left out.</summary>
    public Action<string> OnUnreadable { get; init; } = _ => { };
    public Action<InrBankProgress> OnProgress { get; init; } = _ => { };

    /// <summary>Where finished representations are until the bank is whole.</summary>
    public string Unfinished => System.IO.Path.ChangeExtension(Path, ".part.safetensors");

    /// <exception cref="ArgumentException">Nothing to fit, or a bank of that name is another one.</exception>
    /// <exception cref="OperationCanceledException">Stopped; what was finished is in <see cref="Unfinished"/>.</exception>
    public InrBankResult Run(CancellationToken stop = default)
    {
        if (Index.Count == 0) throw new ArgumentException("the index is empty: there is nothing to fit");
        if (Index.Pictures.Count == 0 || Index.Pictures.All(picture => picture.Path.Length == 0)) throw new ArgumentException("the index has no picture paths, only embeddings: build it from the pictures (`obverse index build`)");
        Pairs?.MustMatch(Index);
        var batches = Batches();
        using var done = new FittedInrs(Settings);
        foreach (var file in new[] { Path, Unfinished }.Where(File.Exists)) done.Load(file);
        var known = batches.SelectMany(rows => rows).Select(row => Index.Pictures[row].Sha256).ToHashSet();
        if (done.Hashes.Count(hash => !known.Contains(hash)) is > 0 and var others) throw new ArgumentException($"{Path}: holds {others} representations of pictures that are not asked for; write to another file");

        var reused = done.Hashes.Count;
        int[][] missing = [.. batches.Select(rows => rows.Where(row => !done.Has(Index.Pictures[row].Sha256)).ToArray()).Where(rows => rows.Length > 0)];
        var (total, finished, sum) = (missing.Sum(rows => rows.Length), 0, 0.0);
        var left = 0;
        foreach (var rows in missing)
        {
            stop.ThrowIfCancellationRequested();
            var read = rows.Select(row => (Row: row, Pixels: Pixels(Index.Pictures[row]))).Where(one => one.Pixels is not null).ToArray();
            left += rows.Length - read.Length;
            if (read.Length == 0) continue;
            string[] hashes = [.. read.Select(one => Index.Pictures[one.Row].Sha256)];
            Fit(done, hashes, [.. read.SelectMany(one => one.Pixels!)], step => OnProgress(new(finished, total - left, step, hashes.Length, finished == 0 ? double.NaN : sum / finished)), stop);
            done.Save(Unfinished);
            finished += hashes.Length;
            sum += hashes.Sum(done.Psnr);
            OnProgress(new(finished, total - left, 0, 0, sum / finished));
        }

        int[] entries = [.. batches.SelectMany(rows => rows).Where(row => done.Has(Index.Pictures[row].Sha256))];
        if (entries.Length == 0) throw new InvalidDataException($"none of {total} pictures can be read; nothing was written");
        Write(done, entries);
        File.Delete(Unfinished);
        return new(entries.Length, finished, reused, left, entries.Average(row => done.Psnr(Index.Pictures[row].Sha256)));
    }

    // Twins (one content, two paths) are fitted once.
    private int[][] Batches()
    {
        var seen = new HashSet<string>();
        int[][] all = [.. Enumerable.Range(0, (int)Math.Min(Count ?? Index.Count, Index.Count)).Where(row => seen.Add(Index.Pictures[row].Sha256)).Chunk(BatchSize)];
        var (part, of) = Shard;
        if (part < 1 || part > of) throw new ArgumentException($"shard {part}/{of}: a part from 1 to {of} was wanted");
        if (of > all.Length) throw new ArgumentException($"shard {part}/{of}: there are {all.Length} batches of {BatchSize}, fewer than {of} parts; smaller batches make more");
        return all[(int)((long)all.Length * (part - 1) / of)..(int)((long)all.Length * part / of)];
    }

    // The middle of the picture, as a CLIP sees it.
    private byte[]? Pixels(IndexedPicture picture)
    {
        try
        {
            if (!File.Exists(picture.Path)) throw new FileNotFoundException($"{picture.Path}: no such picture");
            if (StoredFile.Hash(picture.Path) != picture.Sha256) throw new InvalidDataException($"{picture.Path}: is not the picture that is in the index (its SHA-256 differs)");
            return Settings.Pixels(picture.Path);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or PictureException or UnauthorizedAccessException)
        {
            OnUnreadable(e.Message);
            return null;
        }
    }

    private void Fit(FittedInrs done, string[] hashes, byte[] pixels, Action<double> onStep, CancellationToken stop)
    {
        // No scope stays open between the steps of a fit: each opens its own.
        using var targets = TensorScope.Unscoped(() => Settings.Targets(pixels, hashes.Length));
        using var random = new Generator(Settings.Seed);
        using var canvas = InrFit.Start(Settings.Plan, hashes.Length, Settings.Side, Settings.Side, random);
        foreach (var step in Settings.Fit.Run(canvas, targets, stop)) onStep((step.Index + 1.0) / Settings.Fit.Steps);
        stop.ThrowIfCancellationRequested();
        done.Add(hashes, canvas, targets);
    }

    private void Write(FittedInrs done, int[] rows)
    {
        using var scope = new TensorScope();
        var at = Tensor.From([.. rows.Select(row => (long)row)], rows.Length);
        string[] hashes = [.. rows.Select(row => Index.Pictures[row].Sha256)];
        Tensor[] parts = [.. done.Gather(hashes).Select(part => part.To(DType.Float32))];
        using var bank = new InrBank(Settings.Plan, [.. parts.Chunk(2).Select(pair => (pair[0], pair[1]))], new(Index.Model, Index.Texts.IndexSelect(0, at), Index.Images.IndexSelect(0, at), [.. rows.Select(row => Index.Captions[row])])
        {
            ModelSha256 = Index.ModelSha256, Pictures = [.. rows.Select(row => Index.Pictures[row])],
        })
        {
            Settings = Settings, Psnr = [.. hashes.Select(done.Psnr)], Pairs = Pairs, Shard = Shard.Of == 1 ? null : Shard,
        };
        bank.Save(Path);
    }
}

/// <summary>What a build came to.</summary>
/// <param name="Entries">In the bank.</param>
/// <param name="Fitted">Of them, by this call.</param>
/// <param name="Reused">Of them, found done.</param>
/// <param name="Unreadable">Pictures left out.</param>
/// <param name="Psnr">Mean over the entries: rendering, in half precision, to blurred picture, dB.</param>
public sealed record InrBankResult(int Entries, int Fitted, int Reused, int Unreadable, double Psnr);
