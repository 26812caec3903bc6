using Obverse.Evaluation;
using Obverse.Imaging;

public static class Measure
{
    public static void Run()
    {
        foreach (var (folder, file) in new[] { ("mine", "apple.png"), ("theirs", "mosaic.png") })
        {
            Directory.CreateDirectory(folder);
            for (var i = 0; i < 4; i++) Picture.Load(file).Crop(8 * i, 8 * i, 40, 40).Save(Path.Combine(folder, $"{i}.png"));
        }

        using var network = FeatureNetwork.Load("pocket-judge", pooled: true);   // or Inception: docs/evaluation.md
        using var features = new FeatureExtraction(network, cache: null);
        using var mine = PictureSource.Open("mine");
        using var theirs = PictureSource.Open("theirs");
        var fid = new SetEvaluation(features).Measure(new Fid(), mine, theirs);
        foreach (var figure in fid.Figures) Console.WriteLine($"{figure.Name} {figure.Value:F0}, {fid.Pictures} pictures");
        foreach (var warning in fid.Warnings) Console.WriteLine(warning);
    }
}
