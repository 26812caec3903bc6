using System.Text.Json;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>VQGANs against taming-transformers and VQGAN-CLIP (fixture tree, `vqgan`): every case, every stored output.</summary>
public class VqganFixtureTests
{
    public static TheoryData<string> Cases => Fixtures.Files("vqgan", "*.json", file => Path.GetFileName(Path.GetDirectoryName(file)) == "expected");

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void A_case_comes_out_as_recorded(string name)
    {
        using var scope = new TensorScope();
        using var stored = new Stored(name);
        var settings = stored.Json.GetProperty("settings");
        using var model = settings.TryGetProperty("model", out var folder) ? Vqgan.Load(Fixtures.Require(Path.Combine(name, "..", "..", folder.GetString()!))) : null;
        switch (stored.Json.GetProperty("case").GetString())
        {
            case "vqgan": Nearest(stored, model!, [.. settings.GetProperty("images").EnumerateArray().Select(image => image.GetString()!)]); break;
            case "vqgan_gumbel": Gumbel(stored, model!); break;
            case "vq_ties": Ties(stored); break;
            case "vqgan_clip_pieces": Pieces(stored, settings.GetProperty("prompts")); break;
            case "vqgan_steps": Steps(stored, model!, settings); break;
            default: Assert.Fail($"{name}: no such case"); break;
        }

        stored.EveryOutputIsMet();
    }

    private static void Nearest(Stored stored, Vqgan model, string[] images)
    {
        stored.Meets("out.codebook_min", model.Codebook.Amin([0]));
        stored.Meets("out.codebook_max", model.Codebook.Amax([0]));
        foreach (var image in images)
        {
            var trace = new Trace();
            var latent = model.Encode(stored[$"in.image.{image}"], image == images[0] ? trace : null);
            stored.Meets($"out.prequant.{image}", latent);
            var codes = model.Codes(latent);
            stored.Meets($"out.indices.{image}", codes);
            stored.Meets($"out.margin.{image}", Margin(latent, model.Codebook));
            var rows = model.Rows(codes);
            stored.Meets($"out.quantized.{image}", rows);
            stored.Meets($"out.codebook_entry.{image}", rows);
            var z = latent.Detach().Clone();
            z.RequiresGrad = true;
            var decoded = model.Decode(model.Quantize(z), image == images[0] ? trace : null);
            stored.Meets($"out.decoded.{image}", decoded);
            stored.Meets($"out.decoded_code.{image}", model.Decode(rows));
            stored.Meets($"out.straight_through_grad.{image}", Tensor.Gradients((decoded * stored[$"in.weight.{image}"]).Mean(), [z])[0]!);
            var commitment = (rows - z).Square().Mean();
            stored.Meets($"out.commitment_loss.{image}", commitment * 1.25);
            stored.Meets($"out.commitment_grad.{image}", Tensor.Gradients(commitment, [z])[0]!);
            if (image == images[0]) foreach (var wanted in stored.Names.Where(n => n.StartsWith("out.trace.", StringComparison.Ordinal))) stored.Meets(wanted, trace[wanted["out.trace.".Length..]]);
        }

        var given = model.Rows(stored["in.indices"]);
        stored.Meets("out.decode_code.quantized", given);
        stored.Meets("out.decode_code.image", model.Decode(given));
    }

    private static void Gumbel(Stored stored, Vqgan model)
    {
        var latent = model.Encode(stored["in.image"]);
        stored.Meets("out.prequant", latent);
        var logits = model.Logits(latent);
        stored.Meets("out.logits", logits);
        var sorted = logits.TopK(2, 1).Values;
        stored.Meets("out.margin", (sorted.Narrow(1, 0, 1) - sorted.Narrow(1, 1, 1)).Min());
        var p = logits.Softmax(1);
        stored.Meets("out.kl", (p * (p * model.Config.Codes + 1e-10).Log()).Sum(1).Mean() * 1e-4); // kl_weight of the configuration
        foreach (var (way, codes) in new[] { ("argmax", model.Codes(latent)), ("sampled", (logits + stored["in.gumbel"]).Argmax(1)) })
        {
            stored.Meets($"out.indices.{way}", codes);
            stored.Meets($"out.quantized.{way}", model.Rows(codes));
            stored.Meets($"out.decoded.{way}", model.Decode(model.Rows(codes)));
        }
    }

    private static void Ties(Stored stored)
    {
        Tensor z = stored["in.z"].Clone(), codebook = stored["in.codebook"];
        z.RequiresGrad = true;
        stored.Meets("out.indices", Vqgan.Nearest(z, codebook));
        var quantized = Vqgan.Quantize(z, codebook);
        stored.Meets("out.quantized", quantized);
        stored.Meets("out.grad", Tensor.Gradients((quantized * stored["in.weight"]).Sum(), [z])[0]!);
        stored.Meets("out.loss", (quantized - z).Detach().Square().Mean() * 1.25);
        var distances = (z.Detach().Permute(0, 2, 3, 1).Unsqueeze(-2) - codebook).Square().Sum(-1);
        stored.Meets("out.tied", distances.EqualTo(distances.Amin([-1], keep: true)).To(DType.Int64).Sum(-1));
    }

    private static void Pieces(Stored stored, JsonElement prompts)
    {
        var x = stored["in.x"].Clone();
        x.RequiresGrad = true;
        var clamped = x.ClampWithGrad(0, 1);
        stored.Meets("out.clamped", clamped);
        stored.Meets("out.clamp_grad", Tensor.Gradients((clamped * stored["in.upstream"]).Sum(), [x])[0]!);
        foreach (var prompt in prompts.EnumerateObject())
        {
            var (weight, stop) = (prompt.Value[0].GetDouble(), prompt.Value[1].GetDouble());
            var seen = stored["in.image_embeds"].Clone();
            seen.RequiresGrad = true;
            var loss = new Toward(Distance.Spherical) { Stop = stop }.Of(seen.Normalized().Unsqueeze(0), new Target(stored["in.text_embeds"].Normalized(), Tensor.From([(float)weight]))).Sum();
            stored.Meets($"out.prompt.{prompt.Name}.loss", loss);
            stored.Meets($"out.prompt.{prompt.Name}.grad", Tensor.Gradients(loss, [seen])[0] ?? seen.ZerosLike());
        }
    }

    private static void Steps(Stored stored, Vqgan model, JsonElement settings)
    {
        var target = stored["in.target"];
        using var canvas = new VqganCanvas(Vqgan.Load(Fixtures.Require(Path.Combine(stored.Name, "..", "..", settings.GetProperty("model").GetString()!))), model.Rows(stored["in.start"]), target.Size(2), target.Size(3));
        var z = canvas.Groups[0].Parameters[0];
        using var adam = Schedule.Adam(settings.GetProperty("lr").GetDouble()).Create(canvas);
        stored.Meets("out.z_min", model.Codebook.Amin([0]));
        stored.Meets("out.z_max", model.Codebook.Amax([0]));
        List<Tensor> zs = [], indices = [], losses = [], margins = [];
        for (var update = 0; ; update++)
        {
            zs.Add(z.Detach().Clone());
            indices.Add(Vqgan.Nearest(z, model.Codebook));
            margins.Add(Margin(z, model.Codebook));
            var image = canvas.Present(canvas.Render());
            if (update == 0) stored.Meets("out.image.first", image);
            if (update == settings.GetProperty("updates").GetInt32())
            {
                stored.Meets("out.image.last", image);
                break;
            }

            var loss = (image - target).Square().Mean() * settings.GetProperty("gain").GetDouble();
            losses.Add(loss.Detach());
            loss.Backward();
            if (update == 0) stored.Meets("out.grad.first", z.Grad!);
            adam.Step();
            adam.ZeroGrad();
            canvas.Constrain();
        }

        stored.Meets("out.z", Tensor.Stack(zs));
        stored.Meets("out.indices", Tensor.Stack(indices));
        stored.Meets("out.losses", Tensor.Stack(losses));
        stored.Meets("out.margins", Tensor.Stack(margins));
    }

    // Smallest gap between the nearest and the second nearest distance.
    private static Tensor Margin(Tensor latent, Tensor codebook)
    {
        var rows = latent.Detach().Permute(0, 2, 3, 1).Reshape(-1, 1, codebook.Size(1)).To(DType.Float64);
        var nearest = (rows - codebook.Detach().To(DType.Float64)).Square().Sum(-1).TopK(2, -1, largest: false).Values.Sqrt();
        return (nearest.Narrow(1, 1, 1) - nearest.Narrow(1, 0, 1)).Min();
    }

    private sealed class Stored(string name) : IDisposable
    {
        private readonly Safetensors tensors = Safetensors.Open(Fixtures.Require(name + ".safetensors"));
        private readonly JsonDocument json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(name + ".json")));
        private readonly HashSet<string> met = [];

        public string Name => name;
        public JsonElement Json => json.RootElement;
        public IEnumerable<string> Names => tensors.Names;
        public Tensor this[string tensor] => tensors[tensor];

        public void Meets(string tensor, Tensor got)
        {
            met.Add(tensor);
            using var scope = new TensorScope();
            var listed = Json.GetProperty("tensors");
            var entry = listed.ValueKind == JsonValueKind.Object ? listed.GetProperty(tensor) : listed.EnumerateArray().Single(one => one.GetProperty("name").GetString() == tensor);
            var tolerance = entry.TryGetProperty("atol", out var atol) ? atol.GetDouble() : 0;
            var wanted = tensors[tensor].To(DType.Float64);
            Assert.True(wanted.Elements == got.Elements, $"{name}: {tensor} is {wanted}, got {got}");
            var worst = (wanted - got.Detach().To(DType.Float64).Reshape(wanted.Shape)).Abs().Max().Item();
            Assert.True(worst <= tolerance, $"{name}: {tensor} is off by {worst:g3}, tolerance {tolerance:g3}");
        }

        public void EveryOutputIsMet()
        {
            var missed = Names.Where(n => n.StartsWith("out.", StringComparison.Ordinal) && !met.Contains(n)).ToArray();
            Assert.True(missed.Length == 0 && met.Count > 0, $"{name}: stored and never compared: {string.Join(", ", missed)}");
        }

        public void Dispose()
        {
            tensors.Dispose();
            json.Dispose();
        }
    }
}
