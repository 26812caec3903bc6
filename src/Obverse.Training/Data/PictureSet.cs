using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Win32.SafeHandles;
using Obverse.Imaging;

namespace Obverse.Training;

public enum PictureFormat
{
    /// <summary>One zlib stream of 8-bit RGBA, straight alpha, rows from the top.</summary>
    [JsonStringEnumMemberName("rgba-deflate")] RgbaDeflate,

    /// <summary>A JPEG file, as it was.</summary>
    [JsonStringEnumMemberName("jpeg")] Jpeg,
}

/// <summary>One picture of a <see cref="PictureSet"/>: what it shows, in which style, and where its bytes are.</summary>
public sealed record PictureEntry
{
    /// <summary>The emoji set (<c>noto</c>) or the folder of photographs (<c>tiny-imagenet-train</c>) it came from.</summary>
    public required string Style { get; init; }

    /// <summary>The same for every picture of the same thing, whatever the style: <c>red-apple</c>.</summary>
    public required string Concept { get; init; }
    public required string Name { get; init; }

    /// <summary>All names of a class of photographs, <see cref="Name"/> first; one name for an emoji.</summary>
    public required IReadOnlyList<string> Names { get; init; }
    public IReadOnlyList<string> Keywords { get; init; } = [];

    /// <summary>The class: the folder of a photograph, the concept of an emoji.</summary>
    public required string Label { get; init; }

    /// <summary><c>train</c> or <c>held-out</c>.</summary>
    public required string Split { get; init; }

    /// <summary>The icon or the file inside its source.</summary>
    public required string Source { get; init; }
    public required PictureFormat Format { get; init; }
    public required int Width { get; init; }
    public required int Height { get; init; }
    public long Offset { get; init; }
    public int Length { get; init; }

    [JsonIgnore] public bool IsPhoto => Format == PictureFormat.Jpeg;
    [JsonIgnore] public bool IsHeldOut => Split == PictureSet.HeldOut;
}

/// <summary>Turns the bytes of a JPEG file into straight 8-bit RGBA.</summary>
public delegate (byte[] Rgba, int Width, int Height) JpegDecoder(byte[] jpeg);

/// <summary>
/// Many small pictures with names in two files: <c>pocket.pics</c> (48 bytes of header, then one blob a picture) and
/// <c>pocket.jsonl</c> (a <see cref="PictureEntry"/> a line, in the same order). Any number of threads may read at once.
/// </summary>
/// <remarks>Header: "OBVPICS1", the number of pictures and a zero (int32, little-endian), SHA-256 of pocket.jsonl.</remarks>
public sealed class PictureSet : IDisposable
{
    public const string Train = "train", HeldOut = "held-out";
    internal const string PicturesFile = "pocket.pics", EntriesFile = "pocket.jsonl";
    internal const int HeaderBytes = 48, LargestSide = 16_384;
    internal static ReadOnlySpan<byte> Magic => "OBVPICS1"u8;
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter<PictureFormat>() },
    };

    readonly SafeFileHandle file;
    readonly JpegDecoder? jpeg;
    readonly string path;

    PictureSet(SafeFileHandle file, string path, PictureEntry[] entries, JpegDecoder? jpeg) =>
        (this.file, this.path, Entries, this.jpeg) = (file, path, entries, jpeg);

    public IReadOnlyList<PictureEntry> Entries { get; }
    public int Count => Entries.Count;

    /// <param name="directory">The folder that <see cref="PocketData.Build"/> wrote.</param>
    /// <param name="jpeg">Decodes photographs for <see cref="Read"/>; without it they are had as <see cref="Bytes"/>.</param>
    public static PictureSet Open(string directory, JpegDecoder? jpeg = null)
    {
        var (pictures, lines) = (Path.Combine(directory, PicturesFile), Path.Combine(directory, EntriesFile));
        if (!File.Exists(pictures) || !File.Exists(lines))
            throw new FileNotFoundException($"No picture set in '{directory}': it wants {PicturesFile} and {EntriesFile}. `obverse data pocket` makes them.");
        var file = File.OpenHandle(pictures, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
        try
        {
            var header = new byte[HeaderBytes];
            if (RandomAccess.Read(file, header, 0) != HeaderBytes || !header.AsSpan(0, 8).SequenceEqual(Magic))
                throw new InvalidDataException($"'{pictures}' is no picture set: it does not begin with OBVPICS1.");
            var text = File.ReadAllBytes(lines);
            if (!SHA256.HashData(text).AsSpan().SequenceEqual(header.AsSpan(16)))
                throw new InvalidDataException($"'{lines}' and '{pictures}' were not made together; make the set again.");
            return new PictureSet(file, pictures, Parse(text, BitConverter.ToInt32(header, 8), RandomAccess.GetLength(file), lines), jpeg);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    static PictureEntry[] Parse(ReadOnlySpan<byte> text, int count, long fileLength, string path)
    {
        var entries = new List<PictureEntry>(Math.Clamp(count, 0, text.Length));
        Dictionary<(string, string), PictureEntry> firsts = [];      // the lists of a class's words are stored once, not once a picture
        for (int stop; (stop = text.IndexOf((byte)'\n')) >= 0; text = text[(stop + 1)..])
        {
            var entry = JsonSerializer.Deserialize<PictureEntry>(text[..stop], Json) ?? throw new InvalidDataException($"Line {entries.Count + 1} of '{path}' is null.");
            if (entry.Offset < HeaderBytes || entry.Length < 1 || entry.Offset > fileLength - entry.Length || entry.Width is < 1 or > LargestSide || entry.Height is < 1 or > LargestSide)
                throw new InvalidDataException($"Line {entries.Count + 1} of '{path}' ({entry.Name}) puts {entry.Width}x{entry.Height} in {entry.Length} bytes at {entry.Offset} of {fileLength}.");
            if (firsts.TryGetValue((entry.Style, entry.Label), out var first))
                entry = entry with { Style = first.Style, Concept = first.Concept, Name = first.Name, Names = first.Names, Keywords = first.Keywords, Label = first.Label, Split = first.Split };
            else
                firsts.Add((entry.Style, entry.Label), entry);
            entries.Add(entry);
        }
        return entries.Count == count ? [.. entries] : throw new InvalidDataException($"'{path}' has {entries.Count} lines; its pictures are {count}.");
    }

    /// <summary>The blob as it is stored; <see cref="PictureEntry.Format"/> says what it is.</summary>
    public byte[] Bytes(int index)
    {
        var entry = Entries[index];
        var bytes = new byte[entry.Length];
        for (int read, at = 0; at < bytes.Length; at += read)
            if ((read = RandomAccess.Read(file, bytes.AsSpan(at), entry.Offset + at)) == 0) throw new EndOfStreamException($"'{path}' ends inside picture {index} ({entry.Name}).");
        return bytes;
    }

    /// <summary>The picture as straight 8-bit RGBA, rows from the top.</summary>
    public (byte[] Rgba, int Width, int Height) Read(int index)
    {
        var entry = Entries[index];
        var bytes = Bytes(index);
        if (entry.IsPhoto)
            return (jpeg ?? throw new NotSupportedException($"Picture {index} ({entry.Name}) is a JPEG and the set was opened without a decoder; take Bytes({index})."))(bytes);
        var rgba = new byte[4L * entry.Width * entry.Height];
        using var inflate = new ZLibStream(new MemoryStream(bytes), CompressionMode.Decompress);
        if (inflate.ReadAtLeast(rgba, rgba.Length, throwOnEndOfStream: false) != rgba.Length || inflate.ReadByte() >= 0)
            throw new InvalidDataException($"Picture {index} ({entry.Name}) of '{path}' is not {entry.Width}x{entry.Height} RGBA.");
        return (rgba, entry.Width, entry.Height);
    }

    /// <summary>The indices a model may be trained on: all photographs and its own half of the drawn styles, nothing held out.</summary>
    public IEnumerable<int> SeenBy(string model)
    {
        var styles = EmojiStyle.SeenBy(model).Select(style => style.Set).ToHashSet();
        return Enumerable.Range(0, Count).Where(i => !Entries[i].IsHeldOut && (Entries[i].IsPhoto || styles.Contains(Entries[i].Style)));
    }

    public void Dispose() => file.Dispose();
}
