using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>How far a build is: of the pictures given, and how many of them it embedded (those that were there already take no time).</summary>
public readonly record struct IndexBuildProgress(int Done, int Of, int Embedded);

/// <summary>What a build came to.</summary>
/// <param name="Pictures">In the index.</param>
/// <param name="Rows">In the index: each picture has one a caption.</param>
/// <param name="Added">Rows of this call.</param>
/// <param name="Embedded">Pictures that this call embedded.</param>
/// <param name="Known">Pictures given that were there already.</param>
/// <param name="Unreadable">Pictures left out.</param>
public sealed record IndexBuildResult(int Pictures, int Rows, int Added, int Embedded, int Known, int Unreadable);

/// <summary>
/// Puts captioned pictures into an index, a batch at a time. What is there already (by the hash of its bytes) is not embedded again, and every batch is in a journal beside the index
/// as soon as it is done: the same build goes on where one was stopped, killed even.
/// </summary>
/// <param name="encoder">Its name goes into the index.</param>
/// <param name="modelSha256">Of the encoder's weights.</param>
/// <param name="path">The index's file; one that is there is added to.</param>
public sealed class IndexBuild(ClipEncoder encoder, string modelSha256, string path)
{
    private const int BatchSize = 32;

    private readonly IndexRows rows = new(encoder.Dimension);
    private int added, embedded, known, unreadable;

    /// <summary>Longer side of the small pictures that the index holds; null: none.</summary>
    public int? ThumbnailSide { get; init; }

    /// <summary>How it will be searched: the graphs for it are built, too.</summary>
    public SearchKind? Kind { get; init; }

    /// <summary>Called after each batch.</summary>
    public Action<IndexBuildProgress> OnProgress { get; init; } = _ => { };

    /// <summary>Called with a line on what goes otherwise than expected: a picture that is left out, a build that goes on.</summary>
    public Action<string> OnNote { get; init; } = _ => { };

    /// <exception cref="ArgumentException">The index, or an unfinished build of it, is another model's.</exception>
    /// <exception cref="OperationCanceledException">Stopped; what was embedded is in the index.</exception>
    public IndexBuildResult Run(IReadOnlyList<PictureToIndex> pictures, CancellationToken stop = default)
    {
        if (File.Exists(path))
        {
            using var before = RetrievalIndex.Open(path);
            before.MustBelongTo(encoder.Name, modelSha256);
            rows.Add(before);
        }

        using (var journal = IndexJournal.Open(path, encoder.Name, modelSha256, OnNote))
        {
            var count = rows.Count;
            rows.Add(journal.Read());
            var goesOn = rows.Count > count;
            if (goesOn) OnNote($"going on where a build was stopped: {rows.Pictures} pictures are done");
            try
            {
                foreach (var (i, batch) in pictures.Chunk(BatchSize).Index())
                {
                    stop.ThrowIfCancellationRequested();
                    Add(batch, journal, stop);
                    OnProgress(new(i * BatchSize + batch.Length, pictures.Count, embedded));
                }
            }
            catch (OperationCanceledException)
            {
                Save(journal, goesOn);
                if (rows.Count > 0) OnNote($"{path} has {rows.Pictures} pictures so far; the same command goes on");
                throw;
            }

            Save(journal, goesOn);
        }

        if (rows.Count > 0)
        {
            using var index = RetrievalIndex.Open(path);
            (index.Kind, index.OnNote) = (Kind, OnNote);
            index.Prepare();
        }

        return new(rows.Pictures, rows.Count, added, embedded, known, unreadable);
    }

    private void Save(IndexJournal journal, bool goesOn)
    {
        if (added > 0 || goesOn)
        {
            using var index = rows.ToIndex(encoder.Name, modelSha256);
            index.Save(path);
        }

        journal.Finish();
    }

    private void Add(PictureToIndex[] batch, IndexJournal journal, CancellationToken stop)
    {
        (PictureToIndex Picture, string? Sha256)[] hashed = [.. batch.Select(one => (one, HashOf(one)))];
        (PictureToIndex Picture, string Sha256)[] fresh = [.. hashed.Where(one => one.Sha256 is not null && !rows.HasPicture(one.Sha256)).DistinctBy(one => one.Sha256).Select(one => (one.Picture, one.Sha256!))];
        var pictures = Embed(fresh, stop).ToDictionary(one => one.Sha256);
        var (more, seen) = (new List<IndexedPicture>(), new HashSet<(string, string)>());
        foreach (var (picture, sha256) in hashed)
        {
            if (sha256 is null || !(rows.HasPicture(sha256) || pictures.ContainsKey(sha256))) continue; // not readable: noted already
            var isKnown = rows.HasPicture(sha256) || more.Any(row => row.Sha256 == sha256);
            if (isKnown) known++;
            if (isKnown && picture.IsGuessed) continue;
            more.AddRange(picture.Captions.Where(caption => !rows.Has(sha256, caption) && seen.Add((sha256, caption))).Select(caption => new IndexedPicture(caption, picture.Path, sha256)));
        }

        if (more.Count == 0) return;
        var done = new IndexBatch([.. pictures.Values], Embed([.. more.Select(row => row.Caption).Where(caption => !rows.HasCaption(caption)).Distinct()], stop), more);
        journal.Add(done);
        rows.Add(done);
        (added, embedded) = (added + more.Count, embedded + pictures.Count);
    }

    private List<EmbeddedPicture> Embed((PictureToIndex Picture, string Sha256)[] fresh, CancellationToken stop)
    {
        var (bad, small) = (new HashSet<int>(), new byte[fresh.Length][]);
        using var scope = new TensorScope();
        var found = Split(EmbeddingRows.Embed(encoder, [.. fresh.Select((one, i) => (one.Picture.Name, (Func<byte[]>)(() => Read(i))))], (i, problem) =>
        {
            bad.Add(i);
            LeaveOut(problem.Message);
        }, stop));
        return [.. Enumerable.Range(0, fresh.Length).Where(i => !bad.Contains(i)).Zip(found, (i, row) => new EmbeddedPicture(fresh[i].Sha256, row, small[i]))];

        byte[] Read(int i)
        {
            var bytes = fresh[i].Picture.Read();
            small[i] = ThumbnailSide is { } side ? Thumbnails.Encode(Picture.Decode(bytes, fresh[i].Picture.Name), side) : [];
            return bytes;
        }
    }

    private EmbeddedCaption[] Embed(string[] texts, CancellationToken stop)
    {
        if (texts.Length == 0) return [];
        using var scope = new TensorScope();
        return [.. texts.Zip(Split(EmbeddingRows.Embed(encoder, texts, stop)), (text, row) => new EmbeddedCaption(text, row))];
    }

    private IEnumerable<float[]> Split(Tensor embeddings) => embeddings.ToFloats().Chunk((int)encoder.Dimension);

    private string? HashOf(PictureToIndex picture)
    {
        try
        {
            return picture.Hash();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LeaveOut(e is PictureException ? e.Message : $"{picture.Name}: cannot be read: {e.Message}");
            return null;
        }
    }

    private void LeaveOut(string problem)
    {
        unreadable++;
        OnNote(problem);
    }
}
