using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse data gaussians`: a Gaussian for each class of photographs, from which the recipe clipag draws its start.</summary>
internal static class DataGaussiansCommand
{
    public static Command Create(Screen screen)
    {
        var input = new Argument<string>("PHOTOS") { Description = "Photographs in a folder or zip with one folder per class, or a .safetensors file of small pictures: pixels [n, 3, s, s] as bytes, label [n]." };
        var side = Flags.Whole("--side", "Side in pixels to which the pictures are shrunk. [default: 16]", 4, 64);
        var classes = Flags.Whole("--classes", "Use the first N classes only, in the order of their folders. [default: all]", 1, 100_000);
        var output = new Option<string>("--out", "-o") { HelpName = "FILE.safetensors", Description = "Where to write.", DefaultValueFactory = _ => "gaussians.safetensors" };
        var command = new Command("gaussians",
            """
            Fit a Gaussian to the small pictures of each class: the recipe clipag starts from the sample nearest to the
            prompt. The file holds means and covariances; a recipe file names it as its start's mixture.

              obverse data gaussians tiny-imagenet-val.zip -o gaussians.safetensors
            """)
        {
            input, side, classes, output,
        };
        command.SetAction(parsed =>
        {
            var path = OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".safetensors");
            FileNames.MustBeWritable(path, 1 << 20);
            var (source, size) = (parsed.GetRequiredValue(input), parsed.GetValue(side) ?? 16);
            using var scope = new TensorScope();
            var (pictures, labels) = source.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) ? Stored(source) : Photographs(source, size, parsed.GetValue(classes));
            if (parsed.GetValue(classes) is { } most)
            {
                var chosen = labels.Select((label, i) => (label, i)).Where(pair => pair.label < most).ToArray();
                (pictures, labels) = (pictures.IndexSelect(0, Tensor.From(chosen.Select(pair => (long)pair.i).ToArray())), [.. chosen.Select(pair => pair.label)]);
            }

            using var mixture = GaussianMixture.Of(pictures, labels, size);
            mixture.Save(path, new Dictionary<string, string> { ["pictures"] = labels.Length.ToString(CultureInfo.InvariantCulture) });
            screen.Say($"{path}  {mixture.Classes} classes of {labels.Length:N0} pictures, {new FileInfo(path).Length / 1e6:F1} MB");
            return 0;
        });
        return command;
    }

    private static (Tensor Pictures, long[] Labels) Stored(string path)
    {
        using var file = Safetensors.Open(path);
        if (!file.Contains("pixels") || !file.Contains("label") || file["pixels"] is not { Dims: 4, DType: DType.UInt8 } pixels || pixels.Size(1) != 3) throw new WeightsException($"{path}: tensors 'pixels' [n, 3, s, s] as bytes and 'label' [n] were wanted");
        var labels = file["label"].To(DType.Int64).ToArray<long>();
        return labels.Length == pixels.Size(0) && labels.Min() >= 0 ? (pixels.To(DType.Float32) / 255, labels) : throw new WeightsException($"{path}: {pixels.Size(0)} pictures and {labels.Length} labels");
    }

    private static (Tensor Pictures, long[] Labels) Photographs(string path, int side, int? classes)
    {
        using var folder = new PhotoFolder(path);
        Dictionary<string, long> known = [];
        List<Tensor> pictures = [];
        List<long> labels = [];
        foreach (var (entry, jpeg) in folder.Read())
        {
            if (!known.ContainsKey(entry.Label) && known.Count == classes) continue;
            var label = known.TryGetValue(entry.Label, out var number) ? number : known[entry.Label] = known.Count;
            pictures.Add(TensorScope.Of(() => Picture.Decode(jpeg, entry.Source).ToTensor().Resize(side, side, Interpolation.Bilinear, antialias: true)));
            labels.Add(label);
        }

        return pictures.Count > 0 ? (Tensor.Cat(pictures), [.. labels]) : throw new InvalidDataException($"{path}: no photographs in folders of classes");
    }
}
