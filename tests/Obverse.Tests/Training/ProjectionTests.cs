using System.IO.Compression;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Training;

public class ProjectionTests
{
    private static readonly (string Name, byte R, byte G, byte B)[] colours =
        [("brick", 200, 60, 50), ("moss", 60, 150, 60), ("sea", 40, 90, 190), ("sand", 230, 210, 150), ("soot", 30, 30, 30), ("snow", 245, 245, 250), ("plum", 120, 40, 120), ("rust", 180, 90, 30)];

    [Fact]
    public void Tuning_learns_the_photographs_and_the_drawings_and_stays_near_its_start()
    {
        using var folder = new TemporaryFolder();
        using var set = PhotographsAndDrawings(Path.Combine(folder.Path, "set"));
        var views = new PictureViews(set, "pocket-clip", 5, new ViewCounts { Photos = 6, Drawings = 12, Compositions = 0 });
        // Means of a 4 x 4 grid: 48 channels in place of a network's.
        FeatureCache.Build(Path.Combine(folder.Path, "features"), views, x => x.AdaptiveAvgPool2d(4, 4).Flatten(1), [16]);
        using var cache = FeatureCache.Open(Path.Combine(folder.Path, "features"));
        ClassName[] classes = [.. colours.Select((c, i) => new ClassName(i, $"n{i}", c.Name, [c.Name]))];
        using var scope = new TensorScope();
        using var random = new Generator(3);
        using var start = AnalyticProjection.From(random.Normal(8, 48), PocketClip.MeanPhoto(cache, set), 6);
        var pictures = new CachedPictures(cache, set, start, classes);
        Assert.Equal(pictures.Of(ViewKind.Photo).Count, pictures.Labelled.Count);
        Assert.All(pictures.Labelled, photo => Assert.Equal(set.Entries[cache.Rows[photo.View].Picture].Name, classes[photo.Class].ClipName));
        var drawings = pictures.Of(ViewKind.Drawing).Select(view => (view, Array.FindIndex(colours, c => c.Name == set.Entries[cache.Rows[view].Picture].Name))).ToArray();
        var words = random.Normal(8, 6);

        List<(double Photos, double Drawings, double Moved)> free = [], held = [];
        var options = new ProjectionTuningOptions { Steps = 201, Rate = 1e-2, Photos = 32, Drawings = 32, Scale = 10, HoldWeight = 0.01, KeepWeight = 0 };
        ProjectionTuning.Run(options, pictures, words, words, drawings, (_, photos, drawn, moved) => free.Add((photos, drawn, moved)));
        Assert.True(free[^1].Photos < 0.5 * free[0].Photos, $"photographs: {free[0].Photos:F3} to {free[^1].Photos:F3}");
        Assert.True(free[^1].Drawings < 0.8 * free[0].Drawings, $"drawings: {free[0].Drawings:F3} to {free[^1].Drawings:F3}");

        pictures.Reset();
        Assert.Equal(start.Weight.ToFloats(), pictures.Weight.ToFloats());
        ProjectionTuning.Run(options with { HoldWeight = 100 }, pictures, words, words, drawings, (_, photos, drawn, moved) => held.Add((photos, drawn, moved)));
        Assert.True(held[^1].Moved < 0.2 * free[^1].Moved, $"moved {held[^1].Moved:F3} held, {free[^1].Moved:F3} free");
        Assert.False(pictures.Weight.RequiresGrad);
    }

    [Fact]
    public void Photographs_find_their_class_by_their_names()
    {
        using var folder = new TemporaryFolder();
        using var set = PhotographsAndDrawings(folder.Path);
        ClassName[] classes = [new(0, "n0", "Moss", ["Moss"]), new(1, "n1", "sea", ["sea", "ocean", "deep"])];
        var found = CachedPictures.ClassesOf(set, classes);
        Assert.Equal(0, found[("photos", "moss")]); // case does not count
        Assert.DoesNotContain(("photos", "sea"), found.Keys); // one name of three is too little
    }

    private static PictureSet PhotographsAndDrawings(string folder)
    {
        using (var writer = new PictureSetWriter(folder))
        {
            var random = new Random(1);
            foreach (var (name, r, g, b) in colours)
            {
                var entry = new PictureEntry
                {
                    Style = "noto", Concept = name, Name = name, Names = [name], Label = name, Split = PictureSet.Train, Source = name, Format = PictureFormat.RgbaDeflate, Width = 16, Height = 16,
                };
                var rgba = new byte[16 * 16 * 4];
                for (var i = 0; i < 256; i++) ((byte[])[r, g, b, 255]).CopyTo(rgba, i * 4);
                using var packed = new MemoryStream();
                using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(rgba);
                writer.Add(entry, packed.ToArray());
                for (var n = 0; n < 4; n++)
                {
                    var rgb = new byte[48 * 48 * 3];
                    for (var i = 0; i < rgb.Length; i++) rgb[i] = (byte)Math.Clamp(new[] { r, g, b }[i % 3] + random.Next(-20, 20), 0, 255);
                    writer.Add(entry with { Style = "photos", Format = PictureFormat.Jpeg, Width = 48, Height = 48 }, new Picture(48, 48, rgb).EncodeJpeg());
                }
            }

            writer.Commit();
        }

        return PictureSet.Open(folder, PocketClip.DecodeJpeg);
    }
}
