using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>Pictures that a job names by path and hash.</summary>
public static class StoredPictures
{
    /// <exception cref="IOException">Missing, or changed since.</exception>
    public static Picture Load(this StoredFile file) => Picture.Load(file.Unchanged("picture"));
}
