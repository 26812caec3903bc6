using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>How a job reads the pictures that it names.</summary>
public enum PictureReading
{
    /// <summary>As they look on white paper; one of more than 16 million pixels and more than the job draws is shrunk first, so that it takes little memory.</summary>
    OnWhite,

    /// <summary>The colours that the file stores, those under alpha 0 too, at its full size: jobs stored before there was a choice.</summary>
    AsStored,
}

/// <summary>Pictures that a job names by path and hash.</summary>
public static class StoredPictures
{
    private const long Pixels = 1 << 24;

    /// <exception cref="IOException">Missing, or not what it was.</exception>
    public static Picture Load(this StoredFile file) => Picture.Load(file.Unchanged("picture"));

    /// <summary>As the job reads it, without alpha.</summary>
    /// <exception cref="IOException">Missing, or not what it was.</exception>
    public static Picture Load(this InversionJob job, StoredFile file)
    {
        var picture = file.Load();
        return job.Pictures == PictureReading.AsStored ? picture.WithoutAlpha() : picture.OnWhite().AtMost(Most(job));
    }

    /// <summary>The job's mask, with its alpha.</summary>
    /// <exception cref="IOException">Missing, or not what it was.</exception>
    public static Picture LoadMask(this InversionJob job)
    {
        var picture = job.Mask!.Load();
        return job.Pictures == PictureReading.AsStored ? picture : picture.AtMost(Most(job));
    }

    private static long Most(InversionJob job) => Math.Max(Pixels, (long)job.Width * job.Height);
}
