using System.Security.Cryptography;
using System.Text.Json;

namespace Obverse.Training;

/// <summary>Writes a <see cref="PictureSet"/> under temporary names; <see cref="Commit"/> gives the files their own.</summary>
public sealed class PictureSetWriter : IDisposable
{
    const string Partial = ".partial";
    readonly string directory;
    readonly FileStream pictures, lines;
    readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    bool committed;

    public PictureSetWriter(string directory)
    {
        Directory.CreateDirectory(directory);
        this.directory = directory;
        pictures = Create(PictureSet.PicturesFile);
        lines = Create(PictureSet.EntriesFile);
        pictures.Write(new byte[PictureSet.HeaderBytes]);
    }

    public int Count { get; private set; }
    public long Length => pictures.Position;

    FileStream Create(string name) => new(Path.Combine(directory, name + Partial), FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 20);

    /// <summary>Appends a picture; offset and length are filled in.</summary>
    public void Add(PictureEntry entry, ReadOnlySpan<byte> blob)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(entry with { Offset = pictures.Position, Length = blob.Length }, PictureSet.Json), (byte)'\n'];
        pictures.Write(blob);
        lines.Write(line);
        hash.AppendData(line);
        Count++;
    }

    public void Commit()
    {
        pictures.Position = 0;
        pictures.Write(PictureSet.Magic);
        pictures.Write(BitConverter.GetBytes(Count));
        pictures.Write(new byte[4]);
        pictures.Write(hash.GetHashAndReset());
        foreach (var stream in new[] { pictures, lines })
        {
            stream.Flush(flushToDisk: true);
            stream.Dispose();
        }
        foreach (var name in new[] { PictureSet.PicturesFile, PictureSet.EntriesFile })
            File.Move(Path.Combine(directory, name + Partial), Path.Combine(directory, name), overwrite: true);
        committed = true;
    }

    public void Dispose()
    {
        pictures.Dispose();
        lines.Dispose();
        hash.Dispose();
        if (committed) return;
        foreach (var name in new[] { PictureSet.PicturesFile, PictureSet.EntriesFile }) File.Delete(Path.Combine(directory, name + Partial));
    }
}
