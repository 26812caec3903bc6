namespace Obverse.Imaging;

/// <summary>Animated GIF (89a): every frame with 256 colours of its own.</summary>
internal sealed class GifFilm(FilmOptions options) : FilmWriter
{
    private int width, height;

    public override int TicksPerSecond => 100;

    public override int MaxSide => Picture.MaxSide;

    public override void Start(int width, int height)
    {
        (this.width, this.height) = (width, height);
        Target.Stream.Write("GIF89a"u8);
        Target.Stream.Write([(byte)width, (byte)(width >> 8), (byte)height, (byte)(height >> 8), 0x70, 0, 0]);
        if (options.Loops != 1)
        {
            var repeats = options.Loops == 0 ? 0 : options.Loops - 1;   // the extension counts what comes after the first time
            Target.Stream.Write([0x21, 0xFF, 11, .. "NETSCAPE2.0"u8, 3, 1, (byte)repeats, (byte)(repeats >> 8), 0]);
        }
    }

    public override void Add(Picture picture, long ticks)
    {
        var (palette, pixels) = MedianCut.Reduce(picture, options.Dither);
        var bits = 1;
        while (1 << bits < palette.Length / 3) bits++;
        var delay = (int)Math.Clamp(ticks, 2, ushort.MaxValue);   // browsers slow anything below 2 down to 10
        var to = Target.Stream;
        to.Write([0x21, 0xF9, 4, 4, (byte)delay, (byte)(delay >> 8), 0, 0]);
        to.Write([0x2C, 0, 0, 0, 0, (byte)width, (byte)(width >> 8), (byte)height, (byte)(height >> 8), (byte)(0x80 | (bits - 1))]);
        to.Write(palette);
        to.Write(new byte[(3 << bits) - palette.Length]);
        Pack(to, pixels, Math.Max(2, bits));
    }

    public override void End() => Target.Stream.WriteByte(0x3B);

    // LZW with codes of up to 12 bits, low bit first, in blocks of up to 255 bytes.
    private static void Pack(Stream to, byte[] pixels, int bits)
    {
        const int Slots = 1 << 14;
        int clear = 1 << bits, next = clear + 2, size = bits + 1;
        var keys = new int[Slots];
        var codes = new short[Slots];
        Array.Fill(keys, -1);
        var block = new byte[256];
        int used = 0, buffer = 0, held = 0;
        to.WriteByte((byte)bits);

        void Flush()
        {
            block[0] = (byte)used;
            to.Write(block, 0, used + 1);
            used = 0;
        }

        void Emit(int code)
        {
            buffer |= code << held;
            for (held += size; held >= 8; held -= 8, buffer >>= 8)
            {
                block[++used] = (byte)buffer;
                if (used == 255) Flush();
            }
        }

        Emit(clear);
        int prefix = pixels[0];
        foreach (var pixel in pixels.AsSpan(1))
        {
            var key = prefix << 8 | pixel;
            var slot = (int)((uint)(key * -1640531527) >> 18);   // 2^32 / golden ratio, to 14 bits
            while (keys[slot] >= 0 && keys[slot] != key) slot = (slot + 1) & (Slots - 1);
            if (keys[slot] == key)
            {
                prefix = codes[slot];
                continue;
            }

            Emit(prefix);
            prefix = pixel;
            if (next == 4096)
            {
                Emit(clear);
                Array.Fill(keys, -1);
                (next, size) = (clear + 2, bits + 1);
                continue;
            }

            (keys[slot], codes[slot]) = (key, (short)next);
            if (next++ == 1 << size) size++;   // the reader is one code behind
        }

        Emit(prefix);
        if (next == 1 << size && size < 12) size++;
        Emit(clear + 1);
        if (held > 0) block[++used] = (byte)buffer;
        if (used > 0) Flush();
        to.WriteByte(0);
    }
}
