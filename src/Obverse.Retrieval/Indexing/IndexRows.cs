using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>The rows of an index in the making: each picture and each caption is held once, however many rows have it.</summary>
internal sealed class IndexRows(long dimension)
{
    private readonly Dictionary<string, EmbeddedPicture> pictures = [];
    private readonly Dictionary<string, float[]> captions = [];
    private readonly List<(IndexedPicture Row, EmbeddedPicture Picture, float[] Caption)> rows = [];
    private readonly HashSet<(string Sha256, string Caption)> pairs = [];

    public int Count => rows.Count;
    public int Pictures => pictures.Count;

    public bool HasPicture(string sha256) => pictures.ContainsKey(sha256);
    public bool HasCaption(string text) => captions.ContainsKey(text);
    public bool Has(string sha256, string caption) => pairs.Contains((sha256, caption));

    public void Add(IndexBatch batch)
    {
        foreach (var picture in batch.Pictures) pictures.TryAdd(picture.Sha256, Fits(picture.Embedding) ? picture : throw Other(picture.Embedding));
        foreach (var caption in batch.Captions) captions.TryAdd(caption.Text, Fits(caption.Embedding) ? caption.Embedding : throw Other(caption.Embedding));
        foreach (var row in batch.Rows)
        {
            // A journal's rows may be of a picture that was in the index, and the index be gone since: they come again with their picture.
            if (pictures.TryGetValue(row.Sha256, out var picture) && captions.TryGetValue(row.Caption, out var caption)) Add(row, picture, caption);
        }
    }

    /// <summary>Takes over what an index holds.</summary>
    public void Add(RetrievalIndex before)
    {
        if (before.Pictures.Count != before.Count) throw new ArgumentException("the index holds embeddings and no pictures: nothing can be added to it");
        var (texts, images, d) = (before.Texts.ToFloats(), before.Images.ToFloats(), (int)before.Dimension);
        for (var i = 0; i < before.Pictures.Count; i++)
        {
            var row = before.Pictures[i];
            // An index made by a program may have rows that nobody hashed: each is a picture of its own.
            var sha256 = row.Sha256.Length > 0 ? row.Sha256 : $"row {i}";
            if (!pictures.ContainsKey(sha256)) pictures.Add(sha256, new(sha256, images.AsSpan(i * d, d).ToArray(), before.Thumbnails?.Bytes(i) ?? []));
            captions.TryAdd(row.Caption, texts.AsSpan(i * d, d).ToArray());
            Add(row, pictures[sha256], captions[row.Caption]);
        }
    }

    public RetrievalIndex ToIndex(string model, string sha256)
    {
        using var scope = new TensorScope();
        return new(model, Gathered(row => row.Caption), Gathered(row => row.Picture.Embedding), [.. rows.Select(row => row.Row.Caption)])
        {
            ModelSha256 = sha256, Pictures = [.. rows.Select(row => row.Row)],
            Thumbnails = rows.Any(row => row.Picture.Thumbnail.Length > 0) ? Thumbnails.Of([.. rows.Select(row => row.Picture.Thumbnail)]) : null,
        };
    }

    private void Add(IndexedPicture row, EmbeddedPicture picture, float[] caption)
    {
        if (pairs.Add((picture.Sha256, row.Caption))) rows.Add((row, picture, caption));
    }

    private Tensor Gathered(Func<(IndexedPicture Row, EmbeddedPicture Picture, float[] Caption), float[]> of)
    {
        var all = new float[rows.Count * dimension];
        for (var i = 0; i < rows.Count; i++) of(rows[i]).CopyTo(all, i * dimension);
        return Tensor.From(all, rows.Count, dimension);
    }

    private bool Fits(float[] embedding) => embedding.Length == dimension;

    private InvalidDataException Other(float[] embedding) => new($"an embedding of {embedding.Length} numbers was found, {dimension} were wanted");
}
