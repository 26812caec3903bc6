using Obverse.Jobs;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class PrecisionFlagTests
{
    [Fact]
    public void A_run_says_what_it_was_computed_in_and_is_replayed_so()
    {
        using var program = new Program();
        string[] ask = ["invert", "a red fox", "--model", program.Model, "--steps", "3", "--views", "2", "--recipe", "pyramid"];
        Assert.Equal(0, program.Run([.. ask, "--out", program["half.png"], "--precision", "bf16"]).Code);
        Assert.Equal(0, program.Run([.. ask, "--out", program["full.png"], "--precision", "fp32"]).Code);
        Assert.Equal(0, program.Run([.. ask, "--out", program["auto.png"]]).Code);
        Assert.Equal(("bf16", "fp32"), (Run.FromPicture(program["half.png"]).Precision, Run.FromPicture(program["full.png"]).Precision));
        Assert.Equal(Precision.Auto.On(Device.Cpu).Name(), Run.FromPicture(program["auto.png"]).Precision);
        Assert.NotEqual(program.Bytes("half.png"), program.Bytes("full.png"));
        Assert.Equal(0, program.Run("replay", program["half.png"], "--check").Code);
        Assert.Equal(0, program.Run("replay", program["full.png"], "--check").Code);
        Assert.Equal(2, program.Run([.. ask, "--precision", "half"]).Code);
    }

    [Fact]
    public void A_run_of_before_is_read_and_what_differs_is_told()
    {
        using var program = new Program();
        Assert.Equal(0, program.Run("invert", "a red fox", "--model", program.Model, "--steps", "2", "--views", "1", "--recipe", "pyramid", "--out", program["fox.png"]).Code);
        var run = Run.FromPicture(program["fox.png"]);
        Assert.Equal(Generator.Name, run.Random);
        var before = System.Text.Json.Nodes.JsonNode.Parse(run.ToJson())!.AsObject();
        before.Remove("random");
        before.Remove("precision");
        before["libtorch"] = "1.13.0";
        var read = Run.FromJson(before.ToJsonString());
        Assert.Null(read.Random);
        Assert.Null(read.Precision);
        Assert.Equal("1.13.0", read.Libtorch);
    }
}
