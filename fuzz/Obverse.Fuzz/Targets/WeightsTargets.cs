using System.Text;
using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Fuzz;

/// <summary>Weights and what lies beside them: safetensors, the index of several, and the JSON configurations, each as far as a model is built from it.</summary>
internal static class WeightsTargets
{
    public static Target Safetensors { get; } = new("safetensors", ".safetensors")
    {
        Seeds = () => [.. SmallFiles(), .. Corpus.Files("clip", "*.safetensors", 16_000)],
        Structured = SafetensorsMutator.Mutate,
        Read = input =>
        {
            var path = Scratch.Write("input.safetensors", input);
            using (var scope = new TensorScope())
            using (var file = Torch.Safetensors.Open(path))
            {
                foreach (var name in file.Names) _ = file[name].Shape;
            }

            using var weights = Weights.Load(path);
        },
        Documented = [typeof(WeightsException)],
        Allowance = length => (1 << 20) + 256 * length,
    };

    public static Target Index { get; } = new("index", ".json")
    {
        Seeds = () => [Encoding.UTF8.GetBytes("""{"metadata":{"total_size":16},"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}""")],
        Donors = () => [.. Corpus.Files("clip/models", "*.index.json", 16_000)],
        Structured = JsonMutator.Mutate,
        Read = input =>
        {
            var folder = Scratch.Folder;
            foreach (var (name, tensor) in ((string, string)[])[("one", "a"), ("two", "b")])
            {
                var shard = Path.Combine(folder, name + ".safetensors");
                if (!File.Exists(shard)) File.WriteAllBytes(shard, Tiny(tensor, "F32", "2", new byte[8]));
            }

            foreach (var tensor in WeightFiles.Read(Scratch.Write("model.safetensors.index.json", input)).Values) tensor.Dispose();
        },
        Documented = [typeof(WeightsException)],
        Allowance = length => (1 << 20) + 256 * length,
    };

    /// <summary>Tuned deltas, our own with their metadata and Custom Diffusion's.</summary>
    public static Target Delta { get; } = new("delta", ".delta")
    {
        Seeds = () => [OwnDelta(), Tiny("mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_k_custom_diffusion.weight", "F32", "2,3", new byte[24]), Tiny("<new1>", "F16", "3", new byte[6])],
        Structured = SafetensorsMutator.Mutate,
        Read = input =>
        {
            using var delta = Diffusion.TunedDelta.Load(Scratch.Write("input.delta", input));
            _ = delta.Info?.ToJson();
        },
        Documented = [typeof(WeightsException)],
        Allowance = length => (1 << 20) + 256 * length,
    };

    public static Target OpenClip { get; } = Config("config-openclip", "open_clip_config.json", null, ToyModels.OpenClip);
    public static Target Transformers { get; } = Config("config-hf", "config.json", null, ToyModels.Transformers);
    public static Target Preprocessor { get; } = Config("config-preprocessor", "preprocessor_config.json", "config.json", ToyModels.Transformers);

    private static Target Config(string name, string file, string? reads, Func<string, string> model) => new(name, ".json")
    {
        Seeds = () => [File.ReadAllBytes(Path.Combine(model(name), file))],
        Donors = () => [.. Corpus.Files("clip/models", file, 16_000)],
        Structured = JsonMutator.Mutate,
        Read = input =>
        {
            var folder = model(name);
            File.WriteAllBytes(Path.Combine(folder, file), input);
            ClipConfig.Load(Path.Combine(folder, reads ?? file));
            using var loaded = ClipModel.Load(folder);
            using var scope = new TensorScope();
            using var still = new NoGrad();
            _ = loaded.EncodeImage(loaded.Normalize(Tensor.Zeros([1, 3, loaded.ImageSize, loaded.ImageSize])));
            _ = loaded.EncodeText(Tensor.From(new long[loaded.Config.Text.ContextLength], 1, loaded.Config.Text.ContextLength));
        },
        Documented = [typeof(WeightsException), typeof(NotSupportedException)],
        Allowance = length => (1 << 21) + 256 * length,
    };

    private static IEnumerable<byte[]> SmallFiles()
    {
        foreach (var (type, size) in ((string, int)[])[("F32", 4), ("F16", 2), ("BF16", 2), ("F64", 8), ("I64", 8), ("U8", 1), ("BOOL", 1)]) yield return Tiny("x", type, "2,3", new byte[6 * size]);
        yield return Tiny("x", "F32", "0,5", []);
        yield return Tiny("x", "F32", "", new byte[4]);
        var header = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"I8","shape":[3],"data_offsets":[8,11]},"c":{"dtype":"F16","shape":[1,1],"data_offsets":[11,13]}}""";
        yield return [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), .. new byte[13]];
    }

    private static byte[] OwnDelta()
    {
        using var scope = new TensorScope();
        var info = new Diffusion.DeltaInfo { Method = "ct", Model = "toy", ModelSha256 = new('0', 64), Clip = "toy", ClipSha256 = new('1', 64), Length = 27.5 };
        using var delta = Diffusion.TunedDelta.Of(info, [new("mid_block.attentions.0.transformer_blocks.0.attn2.to_v.weight", Tensor.Ones([2, 3]))], new Dictionary<string, Tensor> { ["border"] = Tensor.Ones([1, 3, 2, 2]) }, Tensor.Ones([3, 3]), [new("<new1>", Tensor.Ones([3]))]);
        var path = Path.Combine(Scratch.Folder, "own.delta");
        delta.Save(path);
        return File.ReadAllBytes(path);
    }

    private static byte[] Tiny(string name, string type, string shape, byte[] data)
    {
        var header = $$"""{"{{name}}":{"dtype":"{{type}}","shape":[{{shape}}],"data_offsets":[0,{{data.Length}}] } }""";
        header += new string(' ', (8 - header.Length % 8) % 8);
        return [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), .. data];
    }
}
