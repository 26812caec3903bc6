using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

/// <summary>The square in the centre. No random parameters.</summary>
[Part("crop")]
public sealed record CentreCropView : View
{
    /// <summary>Side in pixels.</summary>
    [Limit(1, 8192)]
    public int Size { get; init; } = 224;
    protected internal override bool IsRandom => false;

    public override (long Height, long Width) SizeOf(long height, long width) => (Size, Size);
    public override ViewParameters Sample(Generator random, long count, long height, long width) => ViewParameters.None;
    public override Tensor Apply(Tensor images, ViewParameters parameters) => Pieces.Box(images, (images.Size(2) - Size) / 2, (images.Size(3) - Size) / 2, Size, Size);
}

/// <summary>A square somewhere in the picture, resized where asked. Parameters: box, [count, 4] int64: top, left, height, width.</summary>
[Part("patch")]
public sealed record PatchView : View
{
    /// <summary>Side of the square, in pixels.</summary>
    [Limit(1, 8192)]
    public int Size { get; init; } = 128;

    /// <summary>Side afterwards; none: as it is.</summary>
    [Limit(1, 8192)]
    public int? To { get; init; }

    [JsonConverter(typeof(EitherSpelling<Interpolation>))]
    public Interpolation By { get; init; } = Interpolation.Bilinear;
    public bool Antialias { get; init; }

    public override (long Height, long Width) SizeOf(long height, long width) => (To ?? Size, To ?? Size);

    public override ViewParameters Sample(Generator random, long count, long height, long width)
    {
        if (Size > Math.Min(height, width)) throw new ArgumentException($"Patch: a square of {Size} was given for a picture of {height} x {width}");
        var side = Tensor.Full([count], Size, DType.Int64, random.Device);
        return new() { ["box"] = Tensor.Stack([random.Integers(0, height - Size + 1, count), random.Integers(0, width - Size + 1, count), side, side], 1) };
    }

    public override Tensor Apply(Tensor images, ViewParameters parameters) =>
        Pieces.Boxes(images, parameters.Integers("box"), box => To is { } side ? box.Resize(side, side, By, Antialias) : box);
}

/// <summary>torchvision's RandomResizedCrop: a part of random area and shape, resized (canvases 5.4). Parameters: box, [count, 4] int64: top, left, height, width.</summary>
[Part("random-resized-crop")]
public sealed record RandomResizedCropView : View
{
    [Limit(1, 8192)]
    public int Height { get; init; } = 224;

    [Limit(1, 8192)]
    public int Width { get; init; } = 224;

    /// <summary>Part of the picture's area.</summary>
    [Limit(0, 1)]
    public Interval Area { get; init; } = new(0.08, 1);

    /// <summary>Width over height; drawn evenly in its logarithm.</summary>
    [Limit(0.01, 100)]
    public Interval Ratio { get; init; } = new(3.0 / 4, 4.0 / 3);

    [JsonConverter(typeof(EitherSpelling<Interpolation>))]
    public Interpolation By { get; init; } = Interpolation.Bilinear;
    public bool Antialias { get; init; } = true;

    public override (long Height, long Width) SizeOf(long height, long width) => (Height, Width);

    public override ViewParameters Sample(Generator random, long count, long height, long width)
    {
        var boxes = new long[4 * count];
        for (var i = 0; i < count; i++) Box(random, height, width).CopyTo(boxes, 4 * i);
        return new() { ["box"] = Tensor.From(boxes, count, 4) };
    }

    public override Tensor Apply(Tensor images, ViewParameters parameters) =>
        Pieces.Boxes(images, parameters.Integers("box"), box => box.Resize(Height, Width, By, Antialias));

    private long[] Box(Generator random, long height, long width)
    {
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var area = height * width * random.Next(Area.Low, Area.High);
            var ratio = Math.Exp(random.Next(Math.Log(Ratio.Low), Math.Log(Ratio.High)));
            var (w, h) = ((long)Math.Round(Math.Sqrt(area * ratio)), (long)Math.Round(Math.Sqrt(area / ratio)));
            if (w > 0 && w <= width && h > 0 && h <= height) return [Place(random, height - h), Place(random, width - w), h, w];
        }

        // Nothing fitted: the largest centred part whose shape is allowed.
        var shape = Math.Clamp((double)width / height, Ratio.Low, Ratio.High);
        var (cw, ch) = shape < (double)width / height ? ((long)Math.Round(height * shape), height) : (width, Math.Min(height, (long)Math.Round(width / shape)));
        return [(height - ch) / 2, (width - cw) / 2, ch, cw];
    }

    private static long Place(Generator random, long most)
    {
        using var place = random.Integers(0, most + 1, 1);
        return (long)place.Item();
    }
}

/// <summary>"torch.nn.functional.interpolate" to a size. No random parameters.</summary>
[Part("resize")]
public sealed record ResizeView : View
{
    [Limit(1, 8192)]
    public int Height { get; init; } = 224;

    [Limit(1, 8192)]
    public int Width { get; init; } = 224;

    [JsonConverter(typeof(EitherSpelling<Interpolation>))]
    public Interpolation By { get; init; } = Interpolation.Bilinear;
    public bool Antialias { get; init; }
    public bool AlignCorners { get; init; }
    protected internal override bool IsRandom => false;

    public override (long Height, long Width) SizeOf(long height, long width) => (Height, Width);
    public override ViewParameters Sample(Generator random, long count, long height, long width) => ViewParameters.None;
    public override Tensor Apply(Tensor images, ViewParameters parameters) => images.Resize(Height, Width, By, Antialias, AlignCorners);
}
