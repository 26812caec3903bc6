using System.Text.Json;
using System.Text.Json.Nodes;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class TextRowTests
{
    public static TheoryData<string> Cases => DiffusionFixtures.Cases("text-encoder");

    [SkippableTheory, MemberData(nameof(Cases))]
    public void Rows_are_transformers_layer_by_layer_in_both_layouts(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var trace = new Trace();
        using var weights = Open(one.Part("text_encoder"), out var text);
        var ids = one["in.input_ids"];
        var rows = text.Hidden(ids, trace);
        one.Meets("out.last_hidden_state", rows);
        one.Meets("out.pooler_output", text.Pool(rows, text.Ends(ids)));
        foreach (var name in one.Names.Where(n => n.StartsWith("out.hidden_states.", StringComparison.Ordinal)))
        {
            var layer = int.Parse(name["out.hidden_states.".Length..], System.Globalization.CultureInfo.InvariantCulture);
            one.Meets(name, trace[layer == 0 ? "embeddings" : $"block.{layer - 1}"].Narrow(0, 0, one[name].Size(0)));
        }

        using var others = Open(one.Part("text_encoder", "unprefixed"), out var unprefixed);
        one.Meets("out.last_hidden_state.unprefixed", unprefixed.Hidden(ids.Narrow(0, 0, one["out.last_hidden_state.unprefixed"].Size(0))));
        one.EveryOutputIsMet();
    }

    [SkippableTheory, MemberData(nameof(Cases))]
    public void A_whole_folder_gives_the_same_ids_and_rows(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var model = StableDiffusionModel.Load(one.Part(""));
        var tokens = JsonNode.Parse(File.ReadAllText(Fixtures.Require(Path.Combine(Path.GetDirectoryName(path)!, "tokens.json"))))!;
        foreach (var kind in (string[])["rows", "edge_rows"])
        {
            foreach (var row in tokens[kind]!.AsArray()) Assert.Equal(row!["ids"].Deserialize<int[]>(), model.Tokenizer.EncodeRow((string)row["text"]!));
        }

        string[] texts = [.. one.Settings.GetProperty("texts").Items().Select(t => t.GetString()!)];
        Assert.Equal(one["in.input_ids"].ToArray<long>(), model.Tokenize(texts).ToArray<long>());
        one.Meets("out.last_hidden_state", model.TextRows(texts));
        Assert.Equal(0.0057754959, model.Schedule.AlphaProducts[981], 1e-8); // float32, as diffusers has it
        Assert.Equal(0.99915, model.Schedule.AlphaProducts[0], 1e-7);
        Assert.Equal(model.UNet.Config.ContextWidth, model.TextConfig.Width);
    }

    private static Weights Open(string part, out TextTransformer text)
    {
        var weights = ModelFolder.Text(part, null, Precision.Float32);
        text = new(weights, ClipConfig.FromTransformersText(JsonNode.Parse(File.ReadAllText(Path.Combine(part, "config.json")))!.AsObject()));
        weights.Complete();
        return weights;
    }
}
