using System.Text.Json;
using System.Text.Json.Nodes;

namespace Obverse.Jobs;

/// <summary>
/// Jobs that earlier versions stored, in today's shape. Format 1 (0.1.0 up to November 2026, without a number): one model as a string, `prior`, `pace`, `copies`, three kinds of `toward`, the curve of a
/// rate as a word. Format 2: as the types are today; how pictures are read was added to it later.
/// </summary>
internal static class JobFormat
{
    /// <summary>Null, or that the job is of a later version, in words.</summary>
    public static string? Later(JsonObject job) => Format(job) is var format && format > Job.CurrentFormat ? $"the job was stored by Obverse {job["obverse"]} in format {format}; this is {Job.Version}, which reads formats 1 to {Job.CurrentFormat}" : null;

    /// <exception cref="JsonException">Something that the format wants is null, missing or of another kind.</exception>
    public static JsonObject Current(JsonObject job) => AsStored(Format(job) < 2 ? FromFirst(job) : job);

    private static int Format(JsonObject job) => job["format"] switch
    {
        null => 1,
        JsonValue value when value.TryGetValue<int>(out var format) && format > 0 => format,
        _ => throw new JsonException("format is not a whole number from 1"),
    };

    // Of before "pictures" was stored: their colours under alpha 0 were read. Where a job names none it makes no difference, and it stays equal to one of today.
    private static JsonObject AsStored(JsonObject job)
    {
        if (job["pictures"] is not null || job["job"] is not JsonValue kind || !kind.TryGetValue<string>(out var name) || name != "inversion") return job;
        var prompts = (job["targets"] as JsonObject ?? []).Select(target => target.Value).Append(job["prompt"]);
        if (job["start"] is null && !prompts.Any(prompt => prompt is JsonObject named && named["parts"] is JsonArray parts && parts.Any(part => part is JsonObject one && one["image"] is not null))) return job;
        job["pictures"] = "as-stored";
        return job;
    }

    private static JsonObject FromFirst(JsonObject job)
    {
        if (job["recipe"] is not JsonObject recipe || job["prompt"] is not JsonObject prompt || job["model"] is null) throw new JsonException("recipe, prompt and model are wanted");
        var current = new JsonObject { ["job"] = "inversion", ["format"] = 2, ["recipe"] = Recipe(recipe), ["prompt"] = Prompt(prompt, job["imageSha256"]) };
        var model = new JsonObject { ["name"] = Copy(job["model"]) };
        Put(model, "sha256", job["modelSha256"]);
        Put(model, "textSha256", job["wordsSha256"]);
        current["models"] = new JsonArray(model);
        foreach (var name in (string[])["width", "height", "seed", "start", "mask", "bank", "shown", "stoppedAfter", "obverse", "libtorch", "threads", "precision", "device"]) Put(current, name, job[name]);
        current["random"] = Copy(job["random"]); // null: of before it was stored
        return current;
    }

    private static JsonObject Recipe(JsonObject recipe)
    {
        var current = new JsonObject();
        foreach (var name in (string[])["name", "about", "canvas", "sides", "fit", "showsLastSeen"]) Put(current, name, recipe[name]);
        current["views"] = Views(recipe["views"], "recipe.views");
        if (recipe["targetViews"] is { } target) current["targetViews"] = Views(target, "recipe.targetViews");
        current["objective"] = Objective(recipe["objective"], "recipe.objective");
        var schedule = (JsonObject)Map(recipe["schedule"], "recipe.schedule").DeepClone();
        current["schedule"] = schedule;
        var ramp = Text(schedule["curve"]) switch
        {
            "cosine" => new JsonObject { ["is"] = "cosine", ["from"] = 1, ["to"] = 0 },
            "step" => new JsonObject { ["is"] = "step", ["from"] = 1, ["every"] = Copy(schedule["every"]), ["factor"] = Copy(schedule["factor"]) },
            _ => null,
        };
        foreach (var name in (string[])["curve", "every", "factor"]) schedule.Remove(name);
        if (ramp is not null) schedule["curve"] = ramp;
        if (recipe["pace"] is { } pace && Map(pace, "recipe.pace")["stages"] is { } stages)
        {
            schedule["progressive"] = new JsonObject { ["stages"] = Each(stages, "recipe.pace.stages", (stage, at) => Map(stage, at) is var map ? new JsonObject { ["until"] = Copy(map["until"]), ["resolution"] = Copy(map["side"]), ["views"] = Copy(map["copies"]) } : null) };
        }

        Put(current, "bank", recipe["prior"]);
        return current;
    }

    private static JsonObject Views(JsonNode? views, string at) => Map(views, at) is var map ? new() { ["count"] = Copy(map["copies"]), ["chain"] = Copy(map["chain"]), ["isAveraged"] = Copy(map["isAveraged"]) } : [];

    private static JsonObject Objective(JsonNode? objective, string at)
    {
        var map = Map(objective, at);
        return Text(map["is"]) switch
        {
            "toward-pictures" => Toward(Targets.Pictures),
            "toward-start" => Toward(Targets.Start),
            "sum" => new JsonObject { ["is"] = "sum", ["terms"] = Each(map["terms"], at + ".terms", (term, where) => new JsonObject { ["weight"] = Copy(Map(term, where)["weight"]), ["objective"] = Objective(Map(term, where)["objective"], where + ".objective") }) },
            _ => (JsonObject)map.DeepClone(),
        };
    }

    private static JsonObject Toward(string target) => new() { ["is"] = "toward", ["distance"] = "cosine", ["target"] = target };

    // The hashes of the prompt's pictures stood in a list of their own.
    private static JsonObject Prompt(JsonObject prompt, JsonNode? hashes)
    {
        var left = new Queue<JsonNode?>(hashes is null ? [] : List(hashes, "imageSha256"));
        return new()
        {
            ["parts"] = Each(prompt["parts"], "prompt.parts", (part, at) =>
            {
                var copy = (JsonObject)Map(part, at).DeepClone();
                if (copy["image"] is not null && left.TryDequeue(out var hash)) copy["sha256"] = Copy(hash);
                return copy;
            }),
        };
    }

    private static JsonObject Map(JsonNode? node, string at) => node as JsonObject ?? throw Wanted(node, at, "an object");
    private static JsonArray List(JsonNode? node, string at) => node as JsonArray ?? throw Wanted(node, at, "a list");
    private static JsonArray Each(JsonNode? list, string at, Func<JsonNode?, string, JsonNode?> make) => new([.. List(list, at).Select((item, i) => make(item, $"{at}[{i}]"))]);
    private static JsonException Wanted(JsonNode? node, string at, string what) => new(node is null ? $"{at} is null" : $"{at}: {what} was wanted");
    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static void Put(JsonObject to, string name, JsonNode? value)
    {
        if (value is not null) to[name] = value.DeepClone();
    }

    private static JsonNode? Copy(JsonNode? node) => node?.DeepClone();
}
