using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

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

    /// <summary>Where a picture may change, 1 where the mask's alpha (or its brightness, where it has none) says so: [1, 1, h, w].</summary>
    internal static Tensor MaskPlane(this Picture picture, int height, int width)
    {
        var plane = picture.HasAlpha
            ? Tensor.From(picture.Alpha, 1, 1, picture.Height, picture.Width).To(DType.Float32) / 255
            : picture.ToTensor().Mean(1, keep: true);
        return plane.Resize(height, width, Interpolation.Bilinear, antialias: true).Clamp(0, 1);
    }

    private static long Most(InversionJob job) => Math.Max(Pixels, (long)job.Width * job.Height);
}
