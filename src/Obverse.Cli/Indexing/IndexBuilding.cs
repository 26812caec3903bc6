using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>
/// Puts captioned pictures into an index, some at a time. What is there already (by the hash of its bytes) is not embedded again, and every batch is in the journal
/// as soon as it is done: the same call goes on where one was stopped, killed even.
/// </summary>
internal sealed class IndexBuilding(LoadedModel model, string path, int? thumbnails, Screen screen)
{
    private const int AtOnce = 32;

    private readonly IndexRows rows = new(model.Encoder.Dimension);

    /// <summary>Rows of this call.</summary>
    public int Added { get; private set; }

    /// <summary>Pictures that this call embedded.</summary>
    public int Embedded { get; private set; }

    /// <summary>Pictures given that were there already.</summary>
    public int Known { get; private set; }
    public int Unreadable { get; private set; }
    public int Count => rows.Count;
    public int Pictures => rows.Pictures;

    /// <summary>Takes over what an index holds already; one of another model is refused.</summary>
    public void Continue(RetrievalIndex before)
    {
        before.MustBelongTo(model.Name, model.Sha256);
        rows.Add(before);
    }

    public void Add(IReadOnlyList<PictureToIndex> all, IndexProgress progress)
    {
        var before = rows.Count;
        using var journal = IndexJournal.Open(path, model.Name, model.Sha256, rows.Add);
        if (rows.Count > before) screen.Note($"going on where a build was stopped: {rows.Pictures} pictures are done");
        var found = rows.Count > before;
        try
        {
            foreach (var (some, done) in all.Chunk(AtOnce).Select((some, i) => (some, i * AtOnce)))
            {
                screen.Stop.ThrowIfCancellationRequested();
                Batch(some, journal);
                progress.Tell(done + some.Length, all.Count, Embedded);
            }
        }
        catch (OperationCanceledException)
        {
            progress.Dispose();
            Save();
            if (rows.Count > 0) screen.Note($"{path} has {rows.Pictures} pictures so far; the same command goes on");
            throw;
        }

        Save();

        void Save()
        {
            if (Added > 0 || found)
            {
                using var index = rows.ToIndex(model.Name, model.Sha256);
                index.Save(path);
            }

            journal.Finish();
        }
    }

    private void Batch(PictureToIndex[] some, IndexJournal journal)
    {
        (PictureToIndex Picture, string? Sha256)[] hashed = [.. some.Select(one => (one, HashOf(one)))];
        (PictureToIndex Picture, string Sha256)[] fresh = [.. hashed.Where(one => one.Sha256 is not null && !rows.HasPicture(one.Sha256)).DistinctBy(one => one.Sha256).Select(one => (one.Picture, one.Sha256!))];
        var pictures = Embed(fresh).ToDictionary(one => one.Sha256);
        var (added, seen) = (new List<IndexedPicture>(), new HashSet<(string, string)>());
        foreach (var (picture, sha256) in hashed)
        {
            if (sha256 is null || !(rows.HasPicture(sha256) || pictures.ContainsKey(sha256))) continue; // told already
            var isKnown = rows.HasPicture(sha256) || added.Any(row => row.Sha256 == sha256);
            if (isKnown) Known++;
            if (isKnown && picture.IsGuessed) continue;
            added.AddRange(picture.Captions.Where(caption => !rows.Has(sha256, caption) && seen.Add((sha256, caption))).Select(caption => new IndexedPicture(caption, picture.Path, sha256)));
        }

        if (added.Count == 0) return;
        var batch = new IndexBatch([.. pictures.Values], Embed([.. added.Select(row => row.Caption).Where(caption => !rows.HasCaption(caption)).Distinct()]), added);
        journal.Add(batch);
        rows.Add(batch);
        (Added, Embedded) = (Added + added.Count, Embedded + pictures.Count);
    }

    private List<EmbeddedPicture> Embed((PictureToIndex Picture, string Sha256)[] fresh)
    {
        var (bad, small) = (new HashSet<int>(), new byte[fresh.Length][]);
        using var scope = new TensorScope();
        var seen = EmbeddingRows.Embed(model.Encoder, [.. fresh.Select((one, i) => new LabelledPicture(one.Picture.Name, [], () => Read(i)))], (i, problem) =>
        {
            bad.Add(i);
            Refuse(problem.Message);
        }, screen.Stop);
        var found = Split(seen).GetEnumerator();
        return [.. Enumerable.Range(0, fresh.Length).Where(i => !bad.Contains(i)).Select(i => new EmbeddedPicture(fresh[i].Sha256, found.MoveNext() ? found.Current : throw new InvalidOperationException("a picture has no row"), small[i]))];

        byte[] Read(int i)
        {
            var bytes = fresh[i].Picture.Read();
            small[i] = thumbnails is { } side ? Thumbnails.Encode(Picture.Decode(bytes, fresh[i].Picture.Name), side) : [];
            return bytes;
        }
    }

    private EmbeddedCaption[] Embed(string[] texts)
    {
        if (texts.Length == 0) return [];
        using var scope = new TensorScope();
        return [.. texts.Zip(Split(EmbeddingRows.Embed(model.Encoder, texts, screen.Stop)), (text, row) => new EmbeddedCaption(text, row))];
    }

    private IEnumerable<float[]> Split(Tensor embeddings) => embeddings.ToFloats().Chunk((int)model.Encoder.Dimension);

    private string? HashOf(PictureToIndex picture)
    {
        try
        {
            return picture.Hash();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Refuse($"{picture.Name}: cannot be read: {e.Message}");
            return null;
        }
    }

    private void Refuse(string problem)
    {
        Unreadable++;
        screen.Note(problem);
    }
}
