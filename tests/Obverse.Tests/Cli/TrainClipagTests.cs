using Obverse.Evaluation;
using Obverse.Jobs;
using Obverse.Tests.Training;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse train clipag` on a tiny model.</summary>
[Collection("command line")]
public class TrainClipagTests
{
    [Fact]
    public void A_finished_run_is_written_again_with_another_share_of_the_robust_weights()
    {
        using var program = new Program();
        ViewTests.Drawings(program["set"]).Dispose();
        Answer Train(string to, params string[] more) => program.Run(["train", "clipag", "--model", program.Model, "--data", program["set"], "--objective", "fare", "--eps", "0.5", "--steps", "1", "--side", "32", "--batch", "4", "--rate", "1e-2", "--updates", "6", "--threads", "1", "--work", program["work"], "-o", program[to], .. more]);
        var whole = Train("whole");
        Assert.True(whole.Code == 0, whole.Error);
        var half = Train("half", "--share", "0.5");
        Assert.True(half.Code == 0, half.Error);
        Assert.Equal(0, Train("none", "--share", "0").Code);

        const string name = "visual.transformer.resblocks.0.mlp.c_fc.weight";
        using var scope = new TensorScope();
        Tensor Of(string folder)
        {
            using var file = Safetensors.Open(Path.Combine(folder, "open_clip_model.safetensors"));
            return file[name].To(DType.Float32).Clone();
        }

        var (began, robust) = (Of(program.Model), Of(program["whole"]));
        double Apart(Tensor a, Tensor b) => (a - b).Abs().Max().Item();
        Assert.True(Apart(began, robust) > 0.01, "nothing was learned");
        Assert.InRange(Apart(Of(program["none"]), began), 0, 1e-3); // fp16
        Assert.InRange(Apart(Of(program["half"]), (began + robust) / 2), 0, 1e-3);
        Assert.Equal(2, Train("x", "--share", "1.5").Code);
    }

    [Fact]
    public void A_sweep_measures_every_bound_and_loss_and_does_not_train_one_twice()
    {
        using var program = new Program();
        ViewTests.Drawings(program["set"]).Dispose();
        using (var zip = System.IO.Compression.ZipFile.Open(program["exam.zip"], System.IO.Compression.ZipArchiveMode.Create))
        {
            foreach (var (wnid, i) in ImageNet.Classes.Take(4).Select((c, i) => (c.Wnid, i)))
            {
                using var file = zip.CreateEntry($"{i}.{wnid}.jpg").Open();
                file.Write(IndexSourceTests.Noise(i).EncodeJpeg());
            }
        }

        Answer Sweep() => program.Run("train", "clipag-sweep", "--model", program.Model, "--judge", program.Model, "--data", program["set"], "--exam", program["exam.zip"], "--exam-every", "1", "--eps", "0,0.7", "--objectives", "fare,both",
            "--updates", "2", "--side", "32", "--batch", "4", "--names", "2", "--drawings", "2", "--threads", "1", "-o", program["sweep"]);
        var first = Sweep();
        Assert.True(first.Code == 0, first.Error);
        string[] rows = [.. File.ReadAllLines(program["sweep/table.md"]).Where(line => line.StartsWith("| fare", StringComparison.Ordinal) || line.StartsWith("| both", StringComparison.Ordinal))];
        Assert.Equal(["| fare | 0 |", "| fare | 0.7", "| both | 0 |", "| both | 0.7"], rows.Select(row => string.Join('|', row.Split('|')[..3]).TrimEnd() + (row.Split('|')[2].Trim() == "0" ? " |" : "")));
        Assert.All(rows, row => Assert.Equal(9, row.Split('|').Length - 1));
        Assert.True(File.Exists(program["sweep/sweep.png"]));
        var weights = program["sweep/fare-0.7/open_clip_model.safetensors"];
        File.Delete(weights);
        var table = File.ReadAllText(program["sweep/table.md"]);
        Assert.Equal(0, Sweep().Code);
        Assert.False(File.Exists(weights), "a cell that was measured is not trained again");
        Assert.Equal(table, File.ReadAllText(program["sweep/table.md"]));
        Assert.Equal(2, program.Run("train", "clipag-sweep", "--data", program["set"]).Code);
        Assert.Equal(2, program.Run("train", "clipag-sweep", "--data", program["set"], "--exam", program["exam.zip"], "--objectives", "fair").Code);
    }
}
