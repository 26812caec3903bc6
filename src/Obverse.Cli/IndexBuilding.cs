using System.Diagnostics;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>
/// Puts captioned pictures into an index, some at a time. What is there already (by the hash of the file) is not embedded again, so that the same call goes on where one
/// was stopped: the file is written whole every minute and at the end.
/// </summary>
internal sealed class IndexBuilding(LoadedModel model, string path, Screen screen) : IDisposable
{
    private const int AtOnce = 64;
    private static readonly TimeSpan between = TimeSpan.FromMinutes(1);

    private readonly List<IndexedPicture> pictures = [];
    private readonly HashSet<string> known = [];
    private readonly List<Tensor> texts = [], images = []; // [some, d]

    public int Added { get; private set; }
    public int Known { get; private set; }
    public int Unreadable { get; private set; }
    public int Count => pictures.Count;

    /// <summary>Takes over what an index holds already; one of another model is refused.</summary>
    public void Continue(RetrievalIndex before)
    {
        before.MustBelongTo(model.Name, model.Sha256);
        pictures.AddRange(before.Pictures);
        known.UnionWith(before.Pictures.Select(picture => picture.Sha256));
        texts.Add(before.Texts.Clone());
        images.Add(before.Images.Clone());
    }

    public void Add(IReadOnlyList<(string Path, string Caption)> all)
    {
        var saved = Stopwatch.StartNew();
        var done = 0;
        try
        {
            foreach (var some in all.Chunk(AtOnce))
            {
                screen.Stop.ThrowIfCancellationRequested();
                Some([.. some.Select(one => (one.Path, one.Caption, Hash: HashOf(one.Path))).Where(one => one.Hash is not null && New(one.Hash))]);
                done += some.Length;
                if (saved.Elapsed < between) continue;
                Save();
                saved.Restart();
                screen.Note($"{done} of {all.Count} pictures");
            }
        }
        finally
        {
            if (Added > 0) Save(); // stopped by hand, too
        }
    }

    public void Save()
    {
        using var scope = new TensorScope();
        using var index = new RetrievalIndex(model.Name, Tensor.Cat(texts), Tensor.Cat(images)) { ModelSha256 = model.Sha256, Pictures = pictures };
        index.Save(path);
    }

    public void Dispose()
    {
        foreach (var rows in texts.Concat(images)) rows.Dispose();
    }

    private void Some((string Path, string Caption, string? Hash)[] some)
    {
        if (some.Length == 0) return;
        var bad = new HashSet<int>();
        var seen = EmbeddingRows.Embed(model.Encoder, [.. some.Select(one => one.Path)], (i, problem) =>
        {
            bad.Add(i);
            Refuse(problem.Message);
            known.Remove(some[i].Hash!);
        }, screen.Stop);
        var good = some.Where((_, i) => !bad.Contains(i)).ToArray();
        if (good.Length == 0)
        {
            seen.Dispose();
            return;
        }

        images.Add(seen);
        texts.Add(EmbeddingRows.Embed(model.Encoder, [.. good.Select(one => one.Caption)], screen.Stop));
        pictures.AddRange(good.Select(one => new IndexedPicture(one.Caption, one.Path, one.Hash!)));
        Added += good.Length;
    }

    private bool New(string hash)
    {
        if (known.Add(hash)) return true;
        Known++;
        return false;
    }

    private string? HashOf(string file)
    {
        try
        {
            return Run.Hash(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Refuse($"{file}: cannot be read: {e.Message}");
            return null;
        }
    }

    private void Refuse(string problem)
    {
        Unreadable++;
        screen.Note(problem);
    }
}
