using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests.Pictures;

public sealed class FilmTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("obverse-film-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static Picture[] Frames(int count, int width, int height) => [.. Enumerable.Range(0, count).Select(i => PictureTests.Draw(width, height, seed: i))];

    [Fact]
    public void A_gif_of_few_colours_comes_back_exactly()
    {
        var random = new Random(3);
        foreach (var colours in (int[])[1, 2, 3, 16, 200, 256])
        {
            // Noise over 400 x 300 fills and clears the code table many times.
            var rgb = new byte[400 * 300 * 3];
            for (var i = 0; i < rgb.Length; i += 3)
            {
                var colour = random.Next(colours);
                (rgb[i], rgb[i + 1], rgb[i + 2]) = ((byte)colour, (byte)(colour * 7), (byte)(255 - colour));
            }

            var path = Path.Combine(folder, "exact.gif");
            Film.Write(path, 25, [new Picture(400, 300, rgb)]);
            Assert.Equal(rgb, Picture.Load(path).Rgb.ToArray());
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_gif_of_many_colours_stays_close(bool dither)
    {
        var frames = Frames(4, 90, 60);
        var path = Path.Combine(folder, "many.gif");
        Film.Write(path, 30, frames, new FilmOptions { Dither = dither });
        var back = Picture.Load(path);
        var error = 0.0;
        for (var i = 0; i < back.Rgb.Length; i++) error += Math.Abs(back.Rgb[i] - frames[0].Rgb[i]);
        Assert.InRange(error / back.Rgb.Length, 0.01, dither ? 14 : 9);
        var delays = GifDelays(File.ReadAllBytes(path));
        Assert.Equal([3, 4, 3, 3], delays);   // hundredths: 3.33 each, never adrift
    }

    [Fact]
    public void A_webp_film_holds_its_frames_whole()
    {
        var frames = Frames(3, 33, 21);
        var path = Path.Combine(folder, "film.webp");
        Film.Write(path, 12, frames, new FilmOptions { Lossless = true });
        Assert.Equal(frames[0].Rgb.ToArray(), Picture.Load(path).Rgb.ToArray());
        var file = File.ReadAllBytes(path);
        var chunks = WebP.Chunks(file, 12);
        Assert.Equal(["VP8X", "ANIM", "ANMF", "ANMF", "ANMF"], chunks.Select(c => c.Type));
        Assert.Equal(file.Length, BitConverter.ToInt32(file, 4) + 8);
        Assert.Equal([83, 84, 83], chunks.Skip(2).Select(c => file[c.Start + 12] | file[c.Start + 13] << 8));   // ms
    }

    [Fact]
    public void A_webp_film_keeps_alpha()
    {
        var picture = PictureTests.Draw(20, 14, alpha: true);
        var path = Path.Combine(folder, "alpha.webp");
        Film.Write(path, 12, [picture, picture], new FilmOptions { Lossless = true });
        var back = Picture.Load(path);
        Assert.Equal(picture.Alpha.ToArray(), back.Alpha.ToArray());
        Assert.Equal(picture.Rgb.ToArray(), back.Rgb.ToArray());
        Film.Write(path, 12, [picture, picture]);
        Assert.Equal(picture.Alpha.ToArray(), Picture.Load(path).Alpha.ToArray());
    }

    [Theory, InlineData(false, 0), InlineData(true, 0), InlineData(true, 2)]
    public void A_first_webp_frame_smaller_than_its_canvas_lies_where_it_says(bool alpha, byte flags)
    {
        var still = PictureTests.Draw(12, 8, alpha);
        var encoded = still.EncodeWebp(lossless: true);
        var pixels = WebP.Chunks(encoded, 12).Single(chunk => chunk.Type == "VP8L");
        var frame = new MemoryStream();
        frame.Write([2, 0, 0, 1, 0, 0, 11, 0, 0, 7, 0, 0, 40, 0, 0, flags]);   // at (4, 2), 40 ms; 2 = do not blend
        WebP.WriteChunk(frame, "VP8L"u8, encoded.AsSpan(pixels.Start, pixels.Length));
        var body = new MemoryStream();
        body.Write("WEBP"u8);
        WebP.WriteChunk(body, "VP8X"u8, [0x12, 0, 0, 0, 19, 0, 0, 13, 0, 0]);
        WebP.WriteChunk(body, "ANIM"u8, [9, 9, 9, 255, 0, 0]);   // a background, which nobody shows
        WebP.WriteChunk(body, "ANMF"u8, frame.ToArray());
        var file = new MemoryStream();
        WebP.WriteChunk(file, "RIFF"u8, body.ToArray());

        var canvas = Picture.Decode(file.ToArray(), "a.webp");
        Assert.Equal((20, 14, true), (canvas.Width, canvas.Height, canvas.HasAlpha));
        var lain = canvas.Crop(4, 2, 12, 8);
        Assert.Equal(still.Rgb.ToArray(), lain.Rgb.ToArray());
        Assert.Equal(alpha ? still.Alpha.ToArray() : [.. Enumerable.Repeat((byte)255, 96)], lain.Alpha.ToArray());
        Assert.Equal(20 * 14 - 12 * 8, canvas.Alpha.ToArray().Count(value => value == 0));
    }

    [Fact]
    public void An_unfinished_film_leaves_nothing()
    {
        using (var film = Film.Open(Path.Combine(folder, "half.gif"), 10)) film.Add(PictureTests.Draw(8, 8));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
    }

    [Fact]
    public void Mistakes_are_named()
    {
        Assert.Contains(".avi", Assert.Throws<PictureException>(() => Film.Open(Path.Combine(folder, "a.avi"), 10)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Film.Open(Path.Combine(folder, "a.gif"), 0));
        Assert.ThrowsAny<IOException>(() => Film.Open(Path.Combine(folder, "none", "a.gif"), 10));
        using var film = Film.Open(Path.Combine(folder, "a.gif"), 10);
        Assert.Throws<InvalidOperationException>(film.Finish);
        film.Add(PictureTests.Draw(8, 8));
        Assert.Contains("9 x 8", Assert.Throws<ArgumentException>(() => film.Add(PictureTests.Draw(9, 8))).Message);
        var error = Assert.Throws<PictureException>(() => Film.Open(Path.Combine(folder, "a.mp4"), 10, new FilmOptions { Ffmpeg = "no-such-ffmpeg" }));
        Assert.Contains("no-such-ffmpeg", error.Message);
    }

    [SkippableFact]
    public void Mp4_frames_go_to_the_program_and_its_complaint_comes_back()
    {
        Skip.If(OperatingSystem.IsWindows(), "a shell script plays ffmpeg");
        var program = Path.Combine(folder, "ffmpeg");
        File.WriteAllText(program, "#!/bin/sh\nfor last; do :; done\ncat > \"$last\"\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var frames = Frames(3, 16, 12);
        var path = Path.Combine(folder, "a.mp4");
        Film.Write(path, 10, frames, new FilmOptions { Ffmpeg = program });
        Assert.Equal(frames.SelectMany(f => f.Rgb.ToArray()), File.ReadAllBytes(path));

        File.WriteAllText(program, "#!/bin/sh\necho 'Unknown encoder libx264' >&2\nexit 3\n");
        var failed = Path.Combine(folder, "b.mp4");
        var error = Assert.Throws<PictureException>(() => Film.Write(failed, 10, Frames(200, 64, 64), new FilmOptions { Ffmpeg = program }));
        Assert.Contains("code 3: Unknown encoder libx264", error.Message);
        Assert.Equal(["a.mp4", "ffmpeg"], Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order());
    }

    private static List<int> GifDelays(byte[] gif)
    {
        var delays = new List<int>();
        for (var i = 0; i + 7 < gif.Length; i++)
        {
            if (gif.AsSpan(i, 4).SequenceEqual((ReadOnlySpan<byte>)[0x21, 0xF9, 4, 4]) && gif[i + 7] == 0) delays.Add(gif[i + 4] | gif[i + 5] << 8);
        }

        return delays;
    }
}
