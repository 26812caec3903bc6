using System.IO.Compression;
using Obverse.Imaging;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Training;

public class ViewTests
{
    private static readonly (string Name, byte R, byte G, byte B)[] drawn =
        [("tomato", 220, 30, 30), ("leaf", 30, 180, 40), ("drop", 30, 60, 220), ("lemon", 240, 230, 40), ("coal", 20, 20, 20), ("cloud", 250, 250, 250)];

    /// <summary>Discs of one colour each, as an emoji set has them.</summary>
    internal static PictureSet Drawings(string folder)
    {
        using (var writer = new PictureSetWriter(folder))
        {
            const int Side = 16;
            foreach (var (name, r, g, b) in drawn)
            {
                var rgba = new byte[Side * Side * 4];
                for (var i = 0; i < Side * Side; i++)
                {
                    var (x, y) = (i % Side - 7.5, i / Side - 7.5);
                    if (x * x + y * y < 60) ((byte[])[r, g, b, 255]).CopyTo(rgba, i * 4);
                }

                using var packed = new MemoryStream();
                using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(rgba);
                writer.Add(new PictureEntry
                {
                    Style = "noto", Concept = name, Name = name, Names = [name], Label = name, Split = PictureSet.Train, Source = name,
                    Format = PictureFormat.RgbaDeflate, Width = Side, Height = Side,
                }, packed.ToArray());
            }

            writer.Commit();
        }

        return PictureSet.Open(folder);
    }

    [Fact]
    public void A_view_is_a_function_of_its_number_and_the_seed()
    {
        using var folder = new TemporaryFolder();
        using var set = Drawings(folder.Path);
        var counts = new ViewCounts { Drawings = 3, Compositions = 30 };
        PictureViews first = new(set, "pocket-clip", 5, counts), again = new(set, "pocket-clip", 5, counts), other = new(set, "pocket-clip", 6, counts);
        Assert.Equal(drawn.Length * 3 + 30, first.Count);
        var differ = 0;
        for (var i = first.Count - 1; i >= 0; i--)
        {
            var (rgb, row) = first.Render(i, 24);
            var (same, sameRow) = again.Render(i, 24);
            Assert.Equal(24 * 24 * 3, rgb.Length);
            Assert.Equal(rgb, same);
            Assert.Equal(row.Captions, sameRow.Captions);
            Assert.Equal(first.KindOf(i), row.Kind);
            if (!rgb.AsSpan().SequenceEqual(other.Render(i, 24).Rgb)) differ++;
        }

        Assert.True(differ > first.Count * 0.9);
        Assert.Equal(0, new PictureViews(set, "pocket-judge", 5, counts).Count); // the other half of the styles
    }

    [Fact]
    public void Effects_do_what_their_captions_say()
    {
        byte[] grey = [.. Enumerable.Repeat((byte)128, 32 * 32 * 3)];
        double Mean(byte[] rgb, int channel) => rgb.Where((_, i) => i % 3 == channel).Average(value => value);
        byte[] red = [.. grey], night = [.. grey], sunset = [.. grey], snow = [.. grey];
        PictureEffects.Tint(red, 225, 30, 30, 1);
        Assert.True(Mean(red, 0) > Mean(red, 1) + 80);
        PictureEffects.Night(night, 0.3);
        Assert.True(Mean(night, 0) < 60 && Mean(night, 2) > Mean(night, 0));
        PictureEffects.Sunset(sunset, 32);
        Assert.True(Mean(sunset, 0) > Mean(sunset, 2) + 30);
        PictureEffects.Snow(snow, 32, new Random(1));
        Assert.True(Mean(snow, 1) > 140);
        Assert.Equal(grey, PictureEffects.Blur(grey, 32, 4));
    }

    [Fact]
    public void A_feature_cache_is_made_in_parts_and_goes_on_where_it_was()
    {
        using var folder = new TemporaryFolder();
        using var set = Drawings(Path.Combine(folder.Path, "set"));
        var views = new PictureViews(set, "pocket-clip", 5, new ViewCounts { Drawings = 200, Compositions = 100 }); // 1,300: two parts
        var seen = 0L;
        Tensor Tower(Tensor x)
        {
            seen += x.Size(0);
            return x.Mean([2, 3]);
        }

        var cached = Path.Combine(folder.Path, "features");
        FeatureCache.Build(cached, views, Tower, [8, 12], batch: 64);
        Assert.Equal(views.Count, seen);
        using var whole = FeatureCache.Open(cached);
        Assert.Equal([views.Count, 3], whole.Features.Shape);

        File.Delete(Path.Combine(cached, "part-00001.safetensors"));
        seen = 0;
        FeatureCache.Build(cached, views, Tower, [8, 12], batch: 64);
        Assert.Equal(views.Count - FeatureCache.PartSize, seen);
        using var mended = FeatureCache.Open(cached);
        Assert.Equal(whole.Take([0, 1100, 1299]).ToFloats(), mended.Take([0, 1100, 1299]).ToFloats());
        Assert.Equal(views.Render(1200, 8).Row.Picture, mended.Rows[1200].Picture);
    }

    [Fact]
    public void A_cancelled_feature_cache_throws_and_leaves_no_half_part()
    {
        using var folder = new TemporaryFolder();
        using var set = Drawings(Path.Combine(folder.Path, "set"));
        var views = new PictureViews(set, "pocket-clip", 5, new ViewCounts { Drawings = 200, Compositions = 0 });
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => FeatureCache.Build(Path.Combine(folder.Path, "features"), views, x =>
        {
            stop.Cancel();
            return x.Mean([2, 3]);
        }, [8], batch: 8, cancel: stop.Token));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(folder.Path, "features"), "*.safetensors"));
    }
}
