using System.Text.Json.Nodes;
using Obverse.Files;
using Obverse.Jobs;
using Xunit;

namespace Obverse.Tests.Jobs;

/// <summary>A job may be a stranger's: what is read from a file is data until it was held against limits. Nothing here touches a file, a network or libtorch.</summary>
public class StrangersJobTests
{
    private static readonly string first = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Data", "jobs-format-1.jsonl")).First();
    private static readonly string today = (InversionJob.FromJson(first) with
    {
        Recipe = Recipes.Implicit() with
        {
            Views = Views.Of(4).Scale(0.8, 1.2).Patch(16, 24).Resize(24).Blur(0.5, 2).Roll(2), TargetViews = Views.Of(2), Fit = new(), Bank = new(), Sides = [96, 64],
            Schedule = Schedule.Adam(1e-2).Steps(20).Clip(1).Sweep().Stages(new Stage(0.4, 0.5, 0.5)).StepDown(5, 0.5).RateOf("layer0", 0.1),
            Objective = Objective.Toward("style") + 0.5 * Objective.Along("content", "prompt", "style").Through(Views.Of(8).Patch(16)) + Ramp.Linear(1, 0) * Objective.TotalVariation(),
        },
        Prompt = Prompt.Parse("a fox", "fox.png"), Targets = new Dictionary<string, Prompt> { ["style"] = Prompt.Parse("a watercolour"), ["content"] = Prompt.Parse("a photo") },
        Start = new("start.png", "4"), Mask = new("mask.png", "5"), Bank = new("bank", "6"), Weights = new Dictionary<string, StoredFile> { ["decoder"] = new("decoder.safetensors", "7") },
        Shown = new(64, 48), StoppedAfter = 3, Device = "cpu",
    }).ToJson();

    [Fact]
    public void The_job_that_these_tests_change_is_read() => Assert.Equal(today, InversionJob.FromJson(today).ToJson());

    [Theory]
    [InlineData("width", "7", "width is 7; a whole number from 8 to 8192 was wanted")]
    [InlineData("height", "8193", "height is 8193; a whole number from 8 to 8192 was wanted")]
    [InlineData("shown.width", "100000", "shown.width is 100000")]
    [InlineData("recipe.schedule.stepCount", "0", "recipe.schedule.stepCount is 0; a whole number from 1 to 1000000 was wanted")]
    [InlineData("recipe.schedule.stepCount", "-1", "stepCount is -1")]
    [InlineData("recipe.schedule.stepCount", "1000001", "stepCount is 1000001")]
    [InlineData("recipe.schedule.rate", "\"NaN\"", "recipe.schedule.rate is NaN")]
    [InlineData("recipe.schedule.rate", "\"Infinity\"", "recipe.schedule.rate is Infinity")]
    [InlineData("recipe.schedule.curve.every", "0", "recipe.schedule.curve.every is 0")]
    [InlineData("recipe.schedule.layerSweep.width", "0", "recipe.schedule.layerSweep.width is 0")]
    [InlineData("recipe.schedule.progressive.stages.0.resolution", "2", "stages[0].resolution is 2")]
    [InlineData("recipe.schedule.optimizer", "7", "recipe.schedule.optimizer is 7; wanted was one of Adam, Sgd")]
    [InlineData("recipe.views.count", "0", "recipe.views.count is 0; a whole number from 1 to 1024 was wanted")]
    [InlineData("recipe.views.count", "1025", "recipe.views.count is 1025")]
    [InlineData("recipe.targetViews.count", "5000", "recipe.targetViews.count is 5000")]
    [InlineData("recipe.objective.terms.1.objective.views.count", "2000000", "views.count is 2000000")]
    [InlineData("recipe.views.chain.0.scale", "{\"low\":2,\"high\":1}", "recipe.views.chain[0].scale is 2 … 1; the lower end first was wanted")]
    [InlineData("recipe.views.chain.0.scale.high", "1e300", "recipe.views.chain[0].scale.high is 1E+300")]
    [InlineData("recipe.views.chain.1.to", "100000", "recipe.views.chain[1].to is 100000")]
    [InlineData("recipe.views.chain.2.height", "0", "recipe.views.chain[2].height is 0")]
    [InlineData("recipe.views.chain.3.radius", "1000000", "recipe.views.chain[3].radius is 1000000")]
    [InlineData("recipe.views.chain.4.pixels", "-1", "recipe.views.chain[4].pixels is -1")]
    [InlineData("recipe.canvas.hidden", "17", "recipe.canvas.hidden is 17; a whole number from 0 to 16 was wanted")]
    [InlineData("recipe.canvas.size", "65536", "recipe.canvas.size is 65536; a whole number from 1 to 4096 was wanted")]
    [InlineData("recipe.canvas", "{\"is\":\"pyramid\",\"levels\":100000}", "recipe.canvas.levels is 100000")]
    [InlineData("recipe.canvas", "{\"is\":\"pyramid\",\"margin\":1000}", "recipe.canvas.margin is 1000")]
    [InlineData("recipe.canvas", "{\"is\":\"pixels\",\"startShare\":1e9}", "recipe.canvas.startShare is 1000000000")]
    [InlineData("recipe.fit.steps", "0", "recipe.fit.steps is 0")]
    [InlineData("recipe.bank.starts", "0", "recipe.bank.starts is 0")]
    [InlineData("recipe.sides.1", "1000000", "recipe.sides[1] is 1000000")]
    [InlineData("recipe.objective.terms", "[]", "recipe.objective.terms has 0 items; 1 to 16 were wanted")]
    [InlineData("recipe.objective.terms.0.weight", "\"-Infinity\"", "terms[0].weight is -Infinity")]
    [InlineData("recipe.objective.terms.0.objective.target", "\"nobody\"", "names the target 'nobody', which the job does not have")]
    [InlineData("prompt.parts.0.weight", "\"NaN\"", "prompt.parts[0].weight is NaN")]
    [InlineData("prompt.parts.0.text", "null", "prompt.parts[0]: a text or an image was wanted")]
    [InlineData("targets.style.parts.0.image", "\"a.png\"", "targets['style'].parts[0]: a text or an image was wanted")]
    [InlineData("recipe.objective.terms.1.objective.views.chain", "[null,{\"view\":\"roll\",\"pixels\":\"a\"}]", "recipe.objective.terms[1].objective.views.chain[1].pixels: a whole number was wanted")]
    [InlineData("models", "[]", "models has 0 items; 1 to 16 were wanted")]
    [InlineData("models.0.name", "\"\"", "a model's name is empty")]
    [InlineData("threads", "100000", "threads is 100000; a whole number from 0 to 1024 was wanted")]
    [InlineData("stoppedAfter", "-1", "stoppedAfter is -1")]
    [InlineData("stoppedAfter", "21", "stoppedAfter is 21, of 20 steps")]
    [InlineData("device", "\"tpu\"", "device is 'tpu'; cpu, cuda or cuda:N was wanted")]
    [InlineData("device", "\"cuda:-1\"", "device is 'cuda:-1'")]
    [InlineData("precision", "\"fp8\"", "precision is 'fp8'; fp32 or bf16 was wanted")]
    [InlineData("format", "\"two\"", "format is not a whole number from 1")]
    public void What_the_command_line_would_refuse_is_refused_by_its_place(string place, string value, string message) => Assert.Contains(message, Refused(With(today, place, value)), StringComparison.Ordinal);

    [Theory]
    [InlineData("recipe.views", "copies", "[1]", "not a job")]
    [InlineData("recipe", "views", "null", "recipe.views is null")]
    [InlineData("recipe", "schedule", "[]", "recipe.schedule: an object was wanted")]
    [InlineData("recipe", "objective", "null", "recipe.objective is null")]
    [InlineData("recipe.objective", "terms", "[null]", "recipe.objective.terms[0] is null")]
    [InlineData("recipe.views", "chain", "[null]", "recipe.views.chain[0] is null")]
    [InlineData("prompt", "parts", "null", "prompt.parts is null")]
    [InlineData("prompt", "parts", "[null]", "prompt.parts[0] is null")]
    [InlineData("", "imageSha256", "7", "imageSha256: a list was wanted")]
    [InlineData("", "model", "7", "not a job")]
    public void Format_1_names_what_is_missing_too(string place, string name, string value, string message) => Assert.Contains(message, Refused(With(first, place.Length == 0 ? name : $"{place}.{name}", value)), StringComparison.Ordinal);

    [Fact]
    public void Lists_and_texts_have_an_end()
    {
        string Many(string item, int count) => $"[{string.Join(',', Enumerable.Repeat(item, count))}]";
        Assert.Contains("recipe.views.chain has 65 items", Refused(With(today, "recipe.views.chain", Many("{\"view\":\"clip\"}", 65))), StringComparison.Ordinal);
        Assert.Contains("prompt.parts has 257 items", Refused(With(today, "prompt.parts", Many("{\"text\":\"a\"}", 257))), StringComparison.Ordinal);
        Assert.Contains("models has 17 items", Refused(With(today, "models", Many("{\"name\":\"a\"}", 17))), StringComparison.Ordinal);
        Assert.Contains("prompt.parts[0].text has 100000 characters", Refused(With(today, "prompt.parts.0.text", $"\"{new string('a', 100_000)}\"")), StringComparison.Ordinal);
        Assert.Contains("not a job", Refused(string.Concat(Enumerable.Repeat("[", 100_000))), StringComparison.Ordinal);
        var deep = string.Concat(Enumerable.Repeat("{\"is\":\"through\",\"views\":{},\"objective\":", 200)) + "{\"is\":\"l1\"}" + new string('}', 200);
        Refused(today.Replace("\"objective\":{\"is\":\"sum\"", $"\"objective\":{deep},\"x\":{{\"is\":\"sum\"", StringComparison.Ordinal));
    }

    /// <summary>Every value of a job set to null, and left out: read, or refused in one line that says where.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Every_null_is_read_or_named(int format)
    {
        var text = format == 1 ? first : today;
        foreach (var place in Places(JsonNode.Parse(text)!, "").ToArray())
        {
            foreach (var changed in new[] { With(text, place, "null"), With(text, place, null) })
            {
                try
                {
                    InversionJob.FromJson(changed);
                }
                catch (InvalidDataException wrong)
                {
                    Assert.DoesNotContain('\n', wrong.Message);
                    var name = place.Split('.').Last(part => !char.IsAsciiDigit(part[0]));
                    Assert.True(wrong.Message.Contains(name, StringComparison.OrdinalIgnoreCase) || wrong.Message.Contains("wanted", StringComparison.Ordinal) || wrong.Message.Contains("does not have", StringComparison.Ordinal) || format == 1, $"{place}: {wrong.Message}");
                }
            }
        }
    }

    [Fact]
    public void A_pyramid_of_all_sides_is_not_begun_at_the_largest_size()
    {
        var large = With(With(With(today, "recipe.canvas", "{\"is\":\"pyramid\"}"), "width", "8192"), "height", "8192"); // 2 TB
        Assert.Contains("recipe.canvas has 549856481280 parameters at 8192x8192", Refused(large), StringComparison.Ordinal);
        InversionJob.FromJson(With(large, "height", "8"));
        InversionJob.FromJson(With(large, "recipe.canvas", "{\"is\":\"pyramid\",\"closed\":true}"));
    }

    [Fact]
    public void A_recipe_file_has_the_same_limits()
    {
        var recipe = JsonNode.Parse(Recipes.Das().ToJson())!;
        recipe["views"]!["count"] = 1 << 20;
        Assert.Equal("mine.json: not a recipe: views.count is 1048576; a whole number from 1 to 1024 was wanted", Assert.Throws<InvalidDataException>(() => Recipe.FromJson(recipe.ToJsonString(), "mine.json")).Message);
    }

    [Theory]
    [InlineData("colour", "\"blue\"", "mine.json: not a recipe: colour: no such key 'colour'")]
    [InlineData("canvas.qantile", "0.5", "mine.json: not a recipe: canvas.qantile: no such key 'qantile'")]
    [InlineData("views.count", "\"many\"", "mine.json: not a recipe: views.count: a whole number was wanted")]
    [InlineData("canvas.is", "\"oil\"", "mine.json: not a recipe: canvas: no such part 'oil'")]
    [InlineData("objective.distance", "\"nearly\"", "mine.json: not a recipe: objective.distance: one of ")]
    public void A_slip_in_a_recipe_file_is_told_in_plain_words(string place, string value, string message)
    {
        var recipe = JsonNode.Parse(Recipes.Das().ToJson())!;
        var keys = place.Split('.');
        var at = recipe;
        foreach (var key in keys[..^1]) at = at[key]!;
        at[keys[^1]] = JsonNode.Parse(value);
        Assert.StartsWith(message, Assert.Throws<InvalidDataException>(() => Recipe.FromJson(recipe.ToJsonString(), "mine.json")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_recipe_at_every_quality_is_within_the_limits()
    {
        foreach (var name in Recipes.Names)
        {
            foreach (var quality in Enum.GetValues<Quality>())
            {
                foreach (var (width, height) in new[] { (8, 8), (8192, 8), (8192, 8192) }) Limits.Check(Recipes.Named(name, quality, width, height));
            }
        }

        foreach (var line in Views.Catalogue(8).Concat(Views.Catalogue(8192))) Limits.Check(line.Views);
    }

    [Fact]
    public void What_is_null_on_purpose_is_null_when_it_is_read_again()
    {
        var job = InversionJob.FromJson(today);
        var siren = job with { Source = null, Random = null, Recipe = job.Recipe with { Canvas = Inr.Siren() } };
        var back = InversionJob.FromJson(siren.ToJson());
        Assert.Equal(Inr.Siren(), back.Recipe.Canvas); // a first bias of null was read as 1
        Assert.Null(back.Random);
    }

    [Theory]
    [InlineData("a fox", "a fox")]
    [InlineData("日本 😀 café", "日本 😀 café")]
    [InlineData("\u001b[2Ja\nb\t\u0007\u009b", "\\u001b[2Ja\\u000ab\t\\u0007\\u009b")]
    [InlineData("gpj.\u202exe", "gpj.\\u202exe")]
    public void What_a_terminal_would_obey_is_shown_as_an_escape(string text, string shown) => Assert.Equal(shown, Visible.Of(text));

    [Theory]
    [InlineData("a cat", 5, "a cat")]
    [InlineData("a cat on a mat", 5, "a cat…")]
    [InlineData("a 🐱🐱", 3, "a …")]
    public void Of_a_long_text_the_start_is_shown(string text, int length, string shown) => Assert.Equal(shown, Visible.Start(text, length));

    [Fact]
    public void So_is_half_of_a_pair() => Assert.Equal("a\\ud800b\\udc00", Visible.Of(string.Concat("a", (char)0xd800, "b", (char)0xdc00)));

    [Fact]
    public void A_refusal_shows_no_control_characters()
    {
        Assert.Contains("targets['\\u001b[31m", Refused(With(today, "targets", "{\"\\u001b[31m\\n\":null}")), StringComparison.Ordinal);
        Assert.Contains("\\u001b", Refused("{\"format\":3,\"obverse\":\"\\u001b]0;\\n\"}"), StringComparison.Ordinal);
    }

    private static string Refused(string text)
    {
        var wrong = Assert.Throws<InvalidDataException>(() => Job.FromJson(text)).Message;
        Assert.DoesNotContain(wrong, char.IsControl);
        return wrong;
    }

    // "recipe.views.chain.0.scale": list items by their numbers. Null: left out.
    private static string With(string text, string place, string? value)
    {
        var root = JsonNode.Parse(text)!;
        var names = place.Split('.');
        var at = names[..^1].Aggregate(root, (node, name) => node is JsonArray list ? list[int.Parse(name)]! : node[name]!);
        if (at is JsonArray items)
        {
            if (value is null) items.RemoveAt(int.Parse(names[^1]));
            else items[int.Parse(names[^1])] = JsonNode.Parse(value);
        }
        else if (value is null) at.AsObject().Remove(names[^1]);
        else at[names[^1]] = JsonNode.Parse(value);
        return root.ToJsonString();
    }

    private static IEnumerable<string> Places(JsonNode node, string at) => node switch
    {
        JsonObject map => map.SelectMany(pair => Below(pair.Value, at.Length == 0 ? pair.Key : $"{at}.{pair.Key}")),
        JsonArray list => list.SelectMany((item, i) => Below(item, $"{at}.{i}")),
        _ => [],
    };

    private static IEnumerable<string> Below(JsonNode? node, string at) => node is null ? [at] : Places(node, at).Prepend(at);
}
