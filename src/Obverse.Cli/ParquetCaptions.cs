using Obverse.Evaluation;
using Obverse.Files;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace Obverse.Cli;

/// <summary>A set of pictures from a Parquet file: a column of files beside it (<c>file</c>), and one of captions, text or lists of text (<c>captions</c>). Rows of one file are one picture.</summary>
internal static class ParquetCaptions
{
    private static readonly string[] files = ["file", "file_name", "filename", "image_path", "path"], texts = ["captions", "caption", "text", "sentences"];

    public static PictureSource Open(string path)
    {
        OrdinaryFile.Checked(path, "Parquet file");
        var found = new Dictionary<string, List<string>>();
        foreach (var (file, captions) in Rows(path))
        {
            if (file.Length == 0) throw new InvalidDataException($"{path}: a row names no file");
            if (!found.TryGetValue(file, out var all)) found[file] = all = [];
            all.AddRange(captions.Where(text => !string.IsNullOrWhiteSpace(text)));
        }

        var folder = Path.GetDirectoryName(path) ?? "";
        return PictureSource.Of(path, [.. found.Select(pair => new SourcePicture(pair.Key, pair.Value))], [.. found.Keys.Select(name => Path.Combine(folder, name))]);
    }

    private static List<(string File, IReadOnlyList<string> Captions)> Rows(string path)
    {
        try
        {
            return Read(path).GetAwaiter().GetResult();
        }
        catch (Exception wrong) when (wrong is not InvalidDataException and not UnauthorizedAccessException and not OutOfMemoryException) // whatever a damaged file makes of the reader
        {
            throw new InvalidDataException($"{path}: is no Parquet file ({wrong.Message.Split('\n')[0].TrimEnd('.')})", wrong);
        }
    }

    private static async Task<List<(string, IReadOnlyList<string>)>> Read(string path)
    {
        await using var stream = File.OpenRead(path);
        await using var reader = await ParquetReader.CreateAsync(stream);
        var columns = reader.Schema.GetDataFields();
        DataField? Named(string[] names) => names.Select(name => columns.FirstOrDefault(column => column.Path.FirstPart == name && column.ClrType == typeof(ReadOnlyMemory<char>))).FirstOrDefault(column => column is not null);
        var (file, text) = (Named(files), Named(texts));
        if (file is null || file.MaxRepetitionLevel > 0) throw new InvalidDataException($"{path}: has the columns {string.Join(", ", columns.Select(column => column.Path))}; one of text called {string.Join(", ", files)} was wanted");
        List<(string, IReadOnlyList<string>)> rows = [];
        for (var group = 0; group < reader.RowGroupCount; group++)
        {
            using var part = reader.OpenRowGroupReader(group);
            var names = await Values(part, file);
            var captions = text is null ? [.. names.Select(_ => (IReadOnlyList<string>)[])] : await Values(part, text);
            if (captions.Count != names.Count) throw new InvalidDataException($"{path}: {names.Count} files and {captions.Count} captions in one row group");
            rows.AddRange(names.Zip(captions, (name, some) => (name.Count > 0 ? name[0] : "", some)));
        }

        return rows;
    }

    // The texts of every row: a repetition level of 0 begins a row, a definition level below the most is a missing value.
    private static async Task<List<IReadOnlyList<string>>> Values(ParquetRowGroupReader part, DataField column)
    {
        using var data = (RawColumnData<ReadOnlyMemory<char>>)await part.ReadRawColumnDataBaseAsync(column);
        return Split(data, column);
    }

    private static List<IReadOnlyList<string>> Split(RawColumnData<ReadOnlyMemory<char>> data, DataField column)
    {
        List<IReadOnlyList<string>> rows = [];
        for (var i = 0; i < data.Values.Length; i++)
        {
            if (column.MaxRepetitionLevel == 0 || data.RepetitionLevels[i] == 0) rows.Add(new List<string>());
            if (column.MaxDefinitionLevel == 0 || data.DefinitionLevels[i] == column.MaxDefinitionLevel) ((List<string>)rows[^1]).Add(data.Values[i].ToString());
        }

        return rows;
    }
}
