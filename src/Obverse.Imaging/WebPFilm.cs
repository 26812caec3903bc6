using System.Buffers.Binary;

namespace Obverse.Imaging;

/// <summary>Animated WebP: still frames in the container that Google's WebP Container Specification describes; every frame replaces the one before.</summary>
internal sealed class WebPFilm(FilmOptions options) : FilmWriter
{
    private int width, height;
    private bool alpha;

    public override int TicksPerSecond => 1000;

    public override int MaxSide => 16383;

    public override void Start(int width, int height)
    {
        (this.width, this.height) = (width, height);
        Header();
        WebP.WriteChunk(Target.Stream, "ANIM"u8, [0, 0, 0, 0, (byte)options.Loops, (byte)(options.Loops >> 8)]);
    }

    public override void Add(Picture picture, long ticks)
    {
        alpha |= picture.HasAlpha;
        var still = picture.EncodeWebp(options.Quality, options.Lossless);
        var frame = new MemoryStream();
        Span<byte> head = stackalloc byte[16];
        WebP.Put24(head[6..], width - 1);
        WebP.Put24(head[9..], height - 1);
        WebP.Put24(head[12..], (int)Math.Clamp(ticks, 1, (1 << 24) - 1));
        head[15] = 2;   // do not blend
        frame.Write(head);
        foreach (var (type, start, length) in WebP.Chunks(still, 12))
        {
            if (type is "ALPH" or "VP8 " or "VP8L") WebP.WriteChunk(frame, System.Text.Encoding.ASCII.GetBytes(type), still.AsSpan(start, length));
        }

        WebP.WriteChunk(Target.Stream, "ANMF"u8, frame.ToArray());
        if (Target.Stream.Length > uint.MaxValue - 8L) throw new PictureException(Target.Target, "an animated WebP cannot be larger than 4 GB");
    }

    public override void End()
    {
        Target.Stream.Position = 0;
        Header();
    }

    private void Header()
    {
        Span<byte> head = stackalloc byte[30];
        "RIFF"u8.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], (uint)Math.Max(0, Target.Stream.Length - 8));
        "WEBPVP8X"u8.CopyTo(head[8..]);
        head[16] = 10;
        head[20] = (byte)(0x02 | (alpha ? 0x10 : 0));   // animation, alpha
        WebP.Put24(head[24..], width - 1);
        WebP.Put24(head[27..], height - 1);
        Target.Stream.Write(head);
    }
}
