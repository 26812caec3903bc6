using System.Globalization;
using Obverse.Imaging;

namespace Obverse.Retrieval;

/// <summary>What a search found, on one contact sheet: from the files, which have more pixels, else from the index's thumbnails.</summary>
public static class IndexSheet
{
    private const int Columns = 6, Cell = 128;

    /// <exception cref="InvalidDataException">None of them can be shown.</exception>
    public static Picture Draw(RetrievalIndex index, IReadOnlyList<FoundRow> found, string title, Action<string>? onNote = null)
    {
        var shown = 0;
        var cells = found.Select(one =>
        {
            var picture = Of(index, one, out var problem);
            if (picture is null) onNote?.Invoke($"row {one.Row} is not shown: {problem}");
            else shown++;
            return (picture ?? new Picture(1, 1, [0xE8, 0xEA, 0xED]), $"{one.Cosine.ToString("0.000", CultureInfo.InvariantCulture)}  {one.Picture.Caption}");
        }).ToArray();
        return shown > 0 ? ContactSheet.Draw(cells, Math.Min(Columns, cells.Length), Cell, title)
            : throw new InvalidDataException("there is nothing to draw: the index holds no thumbnails (`obverse index build --thumbnails 64`), and none of the pictures' files can be read");
    }

    private static Picture? Of(RetrievalIndex index, FoundRow one, out string problem)
    {
        problem = "it has no file, and the index no thumbnail of it";
        try
        {
            if (one.Picture.Path.Length > 0) return Picture.Load(one.Picture.Path);
        }
        catch (PictureException wrong)
        {
            problem = wrong.Message;
        }

        return index.Thumbnails?.Picture(one.Row);
    }
}
