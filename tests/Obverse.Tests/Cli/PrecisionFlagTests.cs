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
        Assert.Equal(("bf16", "fp32"), (InversionJob.FromPicture(program["half.png"]).Precision, InversionJob.FromPicture(program["full.png"]).Precision));
        Assert.Equal(Precision.Auto.On(Device.Cpu).Name(), InversionJob.FromPicture(program["auto.png"]).Precision);
        Assert.NotEqual(program.Bytes("half.png"), program.Bytes("full.png"));
        Assert.Equal(0, program.Run("replay", program["half.png"], "--check").Code);
        Assert.Equal(0, program.Run("replay", program["full.png"], "--check").Code);
        Assert.Equal(2, program.Run([.. ask, "--precision", "half"]).Code);
    }
}
