using System.Runtime.InteropServices;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Checkpoints;

/// <summary>What PyTorch of other ages, and other programs, write: read as it was meant.</summary>
public sealed class CheckpointTests
{
    private static readonly float[] numbers = [1, -2, 3.5f, -0f, float.NaN, 1e-42f];
    private static readonly byte[] six = MemoryMarshal.AsBytes<float>(numbers).ToArray();

    [Theory]
    [InlineData("archive", false, false)]
    [InlineData("a b/c", false, false)]
    [InlineData("epoch_12", true, false)]
    [InlineData("ключ", false, true)]
    [InlineData("both", true, true)]
    public void A_zip_of_any_root_deflated_or_wide(string root, bool deflate, bool wide) =>
        Assert.Equal(six, Only(ZipWriter.Checkpoint(root, deflate, wide, PickleWriter.One(6, [2, 3], [3, 1]), ("0", six)), "w", DType.Float32, 2, 3));

    [Theory]
    [InlineData("FloatStorage", DType.Float32)]
    [InlineData("HalfStorage", DType.Float16)]
    [InlineData("BFloat16Storage", DType.BFloat16)]
    [InlineData("DoubleStorage", DType.Float64)]
    [InlineData("LongStorage", DType.Int64)]
    [InlineData("IntStorage", DType.Int32)]
    [InlineData("ShortStorage", DType.Int16)]
    [InlineData("CharStorage", DType.Int8)]
    [InlineData("ByteStorage", DType.UInt8)]
    [InlineData("BoolStorage", DType.Bool)]
    public void Every_element_type(string storage, DType type)
    {
        var data = Enumerable.Range(0, 6 * Safetensors.ElementSize(type)).Select(i => (byte)(type == DType.Bool ? i % 2 : i * 37)).ToArray();
        Assert.Equal(data, Only(ZipWriter.Checkpoint(PickleWriter.One(6, [6], [1], 0, storage), ("0", data)), "w", type, 6));
        Assert.Equal(data, Only(CheckpointWriter.Stream(PickleWriter.One(6, [6], [1], 0, storage), ("0", data.Length / 6, data)), "w", type, 6));
    }

    [Fact]
    public void An_untyped_storage_is_bytes()
    {
        var pickle = new PickleWriter().Global("torch._utils", "_rebuild_tensor_v2").Op('(').Storage("0", "UntypedStorage", 24, "torch.storage").Int(0).Tuple(24).Tuple(1).Op(0x89).OrderedDict().Op('N').Op('t').Op('R').End();
        Assert.Equal(six, Only(ZipWriter.Checkpoint(pickle, ("0", six)), "tensor", DType.UInt8, 24)); // a tensor alone has no keys to be called by
    }

    [Fact]
    public void A_stream_with_a_view_of_a_storage()
    {
        var pickle = new PickleWriter().Global("torch._utils", "_rebuild_tensor_v2").Op('(')
            .Op('(').Text("storage").Global("torch", "FloatStorage").Text("root").Text("cpu").Int(6).Op('(').Text("view").Int(2).Int(3).Op('t').Op('t').Op('Q')
            .Int(1).Tuple(2).Tuple(1).Op(0x89).OrderedDict().Op('t').Op('R').End();
        Assert.Equal(six[12..20], Only(CheckpointWriter.Stream(pickle, ("root", 4, six)), "tensor", DType.Float32, 2));
    }

    [Fact]
    public void Python_2_texts_ordered_items_numbers_as_keys_and_protocol_4()
    {
        var pickle = new PickleWriter(4).Op(0x95).Number(10, 8).Op(0x8C, 11).Op("collections"u8).Op(0x94).Op(0x8C, 11).Op("OrderedDict"u8).Op(0x94).Op(0x93)
            .Op(']').Op(']').Op((byte)'U', 5).Op("state"u8).Op('a').Op('}').Int(7).Tensor("0", 6, [6], [1]).Op('s').Op('a').Op('a').Op(0x85).Op('R').End();
        Assert.Equal(six, Only(ZipWriter.Checkpoint(pickle, ("0", six)), "state.7", DType.Float32, 6));
    }

    [Fact]
    public void A_script_with_lists_of_its_own_and_a_storage_among_its_constants()
    {
        var pickle = new PickleWriter().Global("__torch__.multimodal.___torch_mangle_9", "Multimodal").Op(')').Op(0x81).Op('}').Op('(')
            .Text("sizes").Global("torch.jit._pickle", "build_intlist").Op(']').Int(3).Op('a').Op(0x85).Op('R')
            .Text("all").Global("torch.jit._pickle", "build_tensorlist").Op(']').Tensor("0", 6, [6], [1]).Op('a').Op(0x85).Op('R').Op('u').Op('b').End();
        var zip = new ZipWriter().Add("m/data.pkl", pickle).Add("m/constants.pkl", [0x80, 2, (byte)')', (byte)'.']).Add("m/code/__torch__.py", "raise"u8.ToArray()).Add("m/constants/0", six).End();
        Assert.Equal(six, Only(zip, "all.0", DType.Float32, 6));
    }

    [Fact]
    public void Tensors_that_share_numbers_do_not_share_what_is_written_to_them()
    {
        var pickle = new PickleWriter().Op('}').Text("a").Tensor("0", 6, [6], [1]).Op('s').Text("b").Tensor("0", 6, [3], [1], 3).Op('s').Text("t").Tensor("0", 6, [3, 2], [1, 3]).Op('s').End();
        using var archive = TorchArchive.Open(ZipWriter.Checkpoint(pickle, ("0", new byte[24])), "test");
        using var scope = new TensorScope();
        var (a, b, t) = (archive["a"], archive["b"], archive["t"]);
        a.CopyInPlace(Tensor.Ones([6]));
        Assert.Equal([0, 0, 0], b.ToFloats());
        Assert.Equal(new float[6], t.ToFloats());
        Assert.Equal([1, 1, 1, 1, 1, 1], a.ToFloats());
    }

    [Fact]
    public void A_mapped_tensor_outlives_its_file_and_never_writes_to_it()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "a.pt");
        var bytes = ZipWriter.Checkpoint(PickleWriter.One(6, [6], [1]), ("0", new byte[24]));
        File.WriteAllBytes(path, bytes);
        using var scope = new TensorScope();
        Tensor tensor;
        using (var file = WeightFile.Open(path)) tensor = file["w"];
        tensor.CopyInPlace(Tensor.Ones([6]));
        Assert.Equal(6, tensor.Sum().Item());
        Assert.Equal(bytes, File.ReadAllBytes(path));
    }

    [Fact]
    public void Weights_are_told_by_what_they_hold()
    {
        using var folder = new TemporaryFolder();
        string At(string name) => Path.Combine(folder.Path, name);
        using var one = Tensor.Ones([2]);
        Safetensors.Save(At("a.bin"), [KeyValuePair.Create("a", one)]);
        File.WriteAllBytes(At("b.safetensors"), CheckpointWriter.StateDict([KeyValuePair.Create("b", one)]));
        File.WriteAllText(At("both.index.json"), """{"metadata": {}, "weight_map": {"a": "a.bin", "b": "b.safetensors"}}""");
        using (var both = WeightFile.Open(At("both.index.json"))) Assert.Equal(["a", "b"], both.Names);

        File.WriteAllText(At("pointer.bin"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
        Assert.Contains("Git LFS pointer", Refusal(At("pointer.bin")), StringComparison.Ordinal);
        File.WriteAllText(At("page.bin"), "<!doctype html>");
        Assert.Contains("not weights", Refusal(At("page.bin")), StringComparison.Ordinal);
        File.WriteAllText(At("loop.json"), """{"weight_map": {"a": "loop.json"}}""");
        Assert.Contains("an index too", Refusal(At("loop.json")), StringComparison.Ordinal);
        File.WriteAllText(At("up.json"), """{"weight_map": {"a": "../a.bin"}}""");
        Assert.Contains("own folder", Refusal(At("up.json")), StringComparison.Ordinal);
        Assert.Contains("no such file", Refusal(At("none.pt")), StringComparison.Ordinal);

        File.Move(At("b.safetensors"), At("pytorch_model.bin"));
        Assert.Equal(At("pytorch_model.bin"), WeightFiles.Find(folder.Path));
        File.Move(At("a.bin"), At("model.safetensors"));
        Assert.Equal(At("model.safetensors"), WeightFiles.Find(folder.Path));
    }

    [Fact]
    public void What_training_wraps_around_a_state_dict_goes()
    {
        Assert.Equal(["visual.proj", "module_x"], WeightFiles.StateDict(["epoch", "state_dict.module.visual.proj", "state_dict.module_x", "optimizer.step"]).Select(n => n.To));
        Assert.Equal(["a", "b"], WeightFiles.StateDict(["module.a", "b"]).Select(n => n.To));
        Assert.Equal(["a", "module.b"], WeightFiles.StateDict(["a", "module.b"]).Select(n => n.To));
    }

    [Theory]
    [InlineData("_orig_mod.visual.proj", "visual.proj")]
    [InlineData("module._orig_mod.visual.proj", "visual.proj")]
    [InlineData("_orig_mod.module.visual.proj", "visual.proj")]
    [InlineData("model_state_dict.visual.proj", "visual.proj")]
    [InlineData("model.visual.proj", "visual.proj")]
    [InlineData("model.visual.proj optimizer.state.0.exp_avg scaler.scale", "visual.proj")]
    [InlineData("epoch model.module._orig_mod.visual.proj model_ema.visual.proj", "visual.proj")]
    [InlineData("state_dict.model.visual.proj optimizer_states.0.exp_avg", "visual.proj")] // Lightning
    [InlineData("model.state_dict.visual.proj", "visual.proj")]
    [InlineData("model.diffusion_model.x first_stage_model.y", "model.diffusion_model.x first_stage_model.y")] // a network's own names
    [InlineData("state_dict.model.diffusion_model.x state_dict.first_stage_model.y", "model.diffusion_model.x first_stage_model.y")]
    [InlineData("model_x visual.proj", "model_x visual.proj")]
    [InlineData("module.", "")]
    [InlineData("state_dict. a", "")]
    public void Wrappers_of_training_go_however_they_are_nested(string names, string wanted) => Assert.Equal(wanted.Split(' '), WeightFiles.StateDict(names.Split(' ')).Select(n => n.To));

    [Fact]
    public void Names_of_another_network_are_named()
    {
        using var program = new Commands.Program();
        using var scope = new TensorScope();
        using var wanted = ClipModel.Load(program.Model);
        File.Delete(Path.Combine(program.Model, "open_clip_model.safetensors"));
        File.WriteAllBytes(Path.Combine(program.Model, "pytorch_model.bin"), CheckpointWriter.StateDict(wanted.Weights.All, "student."));
        var message = Assert.Throws<WeightsException>(() => ClipModel.Load(program.Model)).Message;
        Assert.Contains($"no CLIP by the names of its {wanted.Weights.All.Count} tensors: student.", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("F8_E4M3", 6)]
    [InlineData("F8_E5M2", 6)]
    [InlineData("F4", 3)]
    [InlineData("U32", 24)]
    [InlineData("C64", 48)]
    public void Element_types_that_are_not_read_are_named(string type, int bytes)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "a.safetensors");
        var header = $$$"""{"w": {"dtype": "{{{type}}}", "shape": [6], "data_offsets": [0, {{{bytes}}}]}}""".PadRight(88);
        void Write(int data) => File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)header.Length), .. System.Text.Encoding.ASCII.GetBytes(header), .. new byte[data]]);
        Write(bytes);
        var refused = Assert.Throws<WeightsException>(() => WeightFile.Open(path));
        Assert.StartsWith($"{path}: tensor 'w' is {type}, which is not supported", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.IsUnsupported);
        Assert.Null(FileWholeness.FaultOf(path)); // nothing that `models verify --repair` may delete
        Write(bytes - 1);
        Assert.Contains("not a safetensors file", Refusal(path), StringComparison.Ordinal);
        Assert.NotNull(FileWholeness.FaultOf(path));
    }

    [Fact]
    public void A_float8_of_PyTorchs_is_named()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "a.pt");
        File.WriteAllBytes(path, ZipWriter.Checkpoint(new PickleWriter().Global("torch._utils", "_rebuild_tensor_v3").Op('N').End()));
        Assert.Contains("_rebuild_tensor_v3 makes, which is not supported (an element type such as float8)", Refusal(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("open_clip_pytorch_model.bin", "")]
    [InlineData("pytorch_model.bin", "module.")]
    [InlineData("pytorch_model.bin", "module._orig_mod.")]
    [InlineData("pytorch_model.bin", "model_state_dict._orig_mod.")]
    public void A_model_of_PyTorchs_is_the_model_of_safetensors(string name, string prefix)
    {
        using var program = new Commands.Program();
        using var scope = new TensorScope();
        using var wanted = ClipModel.Load(program.Model);
        File.WriteAllBytes(Path.Combine(program.Model, name), CheckpointWriter.StateDict(wanted.Weights.All, prefix));
        File.Delete(Path.Combine(program.Model, "open_clip_model.safetensors"));
        using var model = ClipModel.Load(program.Model);
        foreach (var (key, tensor) in wanted.Weights.All) Assert.Equal(CheckpointFixtureTests.Bits(tensor), CheckpointFixtureTests.Bits(model.Weights.All[key]));
        Assert.Equal(wanted.Weights.All.Count, model.Weights.All.Count);
    }

    private static string Refusal(string path) => Assert.Throws<WeightsException>(() => WeightFile.Open(path)).Message;

    private static byte[] Only(byte[] file, string name, DType type, params long[] shape)
    {
        using var archive = TorchArchive.Open(file, "test");
        Assert.Equal([name], archive.Names);
        using var tensor = archive[name];
        Assert.Equal((type, true), (tensor.DType, tensor.IsContiguous));
        Assert.Equal(shape, tensor.Shape);
        return CheckpointFixtureTests.Bits(tensor);
    }
}
