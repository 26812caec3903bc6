using Obverse.Imaging;
using Obverse.Retrieval;

namespace Obverse.Training;

/// <summary>Pictures to index, from files, folders and files of captions (<see cref="IndexSources"/>), and from picture sets, which stay open until this is disposed.</summary>
public sealed class PictureSources : IDisposable
{
    private readonly List<PictureSet> sets = [];

    /// <summary>Which one will embed them: of a set it gets what it may have been trained on.</summary>
    public required string Model { get; init; }

    /// <summary>Of each set a sample of N; null: all.</summary>
    public int? Count { get; init; }
    public int Seed { get; init; }

    /// <summary>Of sets, photographs only.</summary>
    public bool PhotosOnly { get; init; }

    /// <summary>Of files and folders; null: their names are the captions.</summary>
    public CaptionFile? Captions { get; init; }

    /// <summary>All pictures of some paths; "pocket" is the set where `obverse data pocket` puts it.</summary>
    /// <exception cref="ArgumentException">A sample was asked for, and no set is there to take it from; or a picture has no caption.</exception>
    /// <exception cref="IOException">Not there, or damaged.</exception>
    public IReadOnlyList<PictureToIndex> Read(params IEnumerable<string> paths)
    {
        string[] all = [.. paths.Select(Resolve)];
        if ((Count is not null || PhotosOnly) && !all.Any(IsSet)) throw new ArgumentException($"{(PhotosOnly ? "photographs" : "a sample")} of a picture set (`obverse data pocket`) was asked for, and no set was given");
        return [.. all.SelectMany(path => IsSet(path) ? OfSet(path) : IndexSources.Read(path, Captions))];
    }

    public void Dispose()
    {
        foreach (var set in sets) set.Dispose();
    }

    private static bool IsSet(string folder) => File.Exists(Path.Combine(folder, PictureSet.EntriesFile)) && File.Exists(Path.Combine(folder, PictureSet.PicturesFile));

    private static string Resolve(string path) => path != "pocket" || Path.Exists(path) ? path
        : IsSet("pocket-data") ? "pocket-data" : throw new ArgumentException("pocket: there is no picture set in pocket-data here; `obverse data pocket` builds it, and another folder's set is given by its folder");

    private IEnumerable<PictureToIndex> OfSet(string folder)
    {
        var set = PictureSet.Open(folder);
        sets.Add(set);
        int[] seen = [.. set.SeenBy(Path.GetFileName(Model.TrimEnd('/'))).Where(i => !PhotosOnly || set.Entries[i].IsPhoto)];
        return (Count is { } count ? PictureSetSample.Of(set, seen, count, Seed) : seen).Select(i =>
            PictureToIndex.OfBytes($"{set.Entries[i].Style}/{set.Entries[i].Source}", () => set.Bytes(i), () => FileOf(set, i), Training.Captions.Plain(set.Entries[i])));
    }

    // The bytes of a picture file: a photograph as it is, a drawing as a PNG on white.
    private static byte[] FileOf(PictureSet set, int index)
    {
        if (set.Entries[index].IsPhoto) return set.Bytes(index);
        try
        {
            var (rgba, width, height) = set.Read(index);
            return new Picture(width, height, new Backdrop("white", 255, 255, 255).Under(rgba)).EncodePng();
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new PictureException(set.Entries[index].Name, e.Message);
        }
    }
}
