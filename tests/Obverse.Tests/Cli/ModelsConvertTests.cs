using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Checkpoints;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class ModelsConvertTests
{
    [Fact]
    public void A_checkpoint_becomes_safetensors_with_every_name_and_bit()
    {
        using var program = new Program();
        using var scope = new TensorScope();
        var (x, n) = (Tensor.From([1.5f, -2f, 3f], 3), Tensor.From([7f], 1));
        File.WriteAllBytes(program["a.pt"], CheckpointWriter.StateDict([KeyValuePair.Create("x", x), KeyValuePair.Create("n", n)], "module."));
        var answer = program.Run("models", "convert", program["a.pt"], "--json");
        Assert.Equal((0, 2), (answer.Code, answer.Lines.Single().GetProperty("tensors").GetInt32()));
        using (var file = Safetensors.Open(program["a.safetensors"]))
        {
            Assert.Equal(["module.x", "module.n"], file.Names);
            Assert.Equal("pt", file.Metadata["format"]);
            Assert.Equal([1.5f, -2f, 3f], file["module.x"].ToFloats());
        }

        answer = program.Run("models", "convert", program["a.pt"]);
        Assert.Equal(2, answer.Code);
        Assert.Contains("already exists", answer.Line, StringComparison.Ordinal);
        Assert.Equal(0, program.Run("models", "convert", program["a.pt"], "--force", "--dtype", "fp16", "--state-dict").Code);
        using var half = Safetensors.Open(program["a.safetensors"]);
        Assert.Equal(["x", "n"], half.Names);
        Assert.Equal(DType.Float16, half["x"].DType);
    }

    [Fact]
    public void A_model_folder_goes_to_fp16_and_back_and_still_loads()
    {
        using var program = new Program();
        Assert.Equal(0, program.Run("models", "convert", program.Model, "-o", program["half.safetensors"], "--dtype", "fp16").Code);
        Assert.Equal(0, program.Run("models", "convert", program["half.safetensors"], "-o", Path.Combine(program.Model, "open_clip_model.safetensors"), "--dtype", "fp32", "--force").Code);
        using var model = ClipModel.Load(program.Model);
        Assert.Equal(32, model.ImageSize);
    }

    [Fact]
    public void What_cannot_be_converted_leaves_nothing_behind()
    {
        using var program = new Program();
        using var scope = new TensorScope();
        File.WriteAllBytes(program["large.pt"], CheckpointWriter.StateDict([KeyValuePair.Create("x", Tensor.From([1e6f]))]));
        File.WriteAllBytes(program["evil.pt"], ZipWriter.Checkpoint(new PickleWriter().Global("os", "system").Text("touch evil").Op(0x85).Op('R').End()));
        File.WriteAllBytes(program["empty.pt"], ZipWriter.Checkpoint(new PickleWriter().Op('}').End()));
        foreach (var (args, says) in new[] { ((string[])[program["large.pt"], "--dtype", "fp16"], "too large"), ([program["evil.pt"]], "os.system"), ([program["empty.pt"]], "no tensors"), ([program["none.pt"]], "no such file") })
        {
            var answer = program.Run(["models", "convert", .. args]);
            Assert.Equal(1, answer.Code);
            Assert.Contains(says, answer.Line, StringComparison.Ordinal);
        }

        Assert.Equal(2, program.Run("models", "convert", program["large.pt"], "--dtype", "int4").Code);
        Assert.Equal(2, program.Run("models", "convert", program["large.pt"], "-o", program["x.bin"]).Code);
        Assert.Equal(["empty.pt", "evil.pt", "large.pt"], program.Files);
    }
}
