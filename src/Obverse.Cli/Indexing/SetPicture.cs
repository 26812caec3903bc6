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
            var rgb = new byte[width * height * 3];
            for (var i = 0; i < rgb.Length; i++)
            {
                var alpha = rgba[i / 3 * 4 + 3];
                rgb[i] = (byte)((rgba[i / 3 * 4 + i % 3] * alpha + 255 * (255 - alpha) + 127) / 255);
            }

            return new Picture(width, height, rgb).EncodePng();
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new PictureException(set.Entries[index].Name, e.Message);
        }
    }
}
