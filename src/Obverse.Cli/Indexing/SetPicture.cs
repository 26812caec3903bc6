using Obverse.Imaging;
using Obverse.Models;
using Obverse.Training;

namespace Obverse.Cli;

/// <summary>A picture of a set as the bytes of a file: a photograph as it is, a drawing as a PNG on white.</summary>
internal static class SetPicture
{
    /// <exception cref="PictureException">Damaged.</exception>
    public static byte[] File(PictureSet set, int index)
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
