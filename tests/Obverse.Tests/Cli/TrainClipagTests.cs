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
}
