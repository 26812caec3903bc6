using Obverse.Imaging;
using Obverse.Retrieval;

namespace Obverse.Training;

/// <summary>Pictures of a set on their way into an index.</summary>
public static class PictureSetSource
{
    /// <summary>The folder of a set.</summary>
    public static bool IsSet(string folder) => File.Exists(Path.Combine(folder, PictureSet.EntriesFile)) && File.Exists(Path.Combine(folder, PictureSet.PicturesFile));

    /// <summary>A source as it is given; "pocket" is the set where `obverse data pocket` puts it.</summary>
    /// <exception cref="ArgumentException">It is not there.</exception>
    public static string Resolve(string source) => source != "pocket" || Path.Exists(source) ? source
        : IsSet("pocket-data") ? "pocket-data" : throw new ArgumentException("pocket: there is no picture set in pocket-data here; `obverse data pocket` builds it, and another folder's set is given by its folder");

    /// <summary>What <paramref name="model"/> may have been trained on: all of it, or a sample of <paramref name="count"/>.</summary>
    public static IEnumerable<PictureToIndex> Read(PictureSet set, string model, int? count = null, int seed = 0, bool photosOnly = false)
    {
        int[] seen = [.. set.SeenBy(Path.GetFileName(model.TrimEnd('/'))).Where(i => !photosOnly || set.Entries[i].IsPhoto)];
        return (count is { } wanted ? PictureSetSample.Of(set, seen, wanted, seed) : seen).Select(i =>
            PictureToIndex.OfBytes($"{set.Entries[i].Style}/{set.Entries[i].Source}", () => set.Bytes(i), () => FileOf(set, i), Captions.Plain(set.Entries[i])));
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
