using System.Text.Json.Nodes;

namespace Obverse.Jobs;

/// <summary>
/// Jobs that earlier versions stored, in today's shape. Format 1 (0.1.0 up to November 2026, without a number): one model as a string, `prior`, `pace`, `copies`, three kinds of `toward`, the curve of a
/// rate as a word. Format 2: as the types are today; how pictures are read was added to it later.
/// </summary>
internal static class JobFormat
{
    /// <exception cref="InvalidDataException">Of a later version.</exception>
    public static JsonObject Current(JsonObject job)
    {
        var format = (int?)job["format"] ?? 1;
        if (format > Job.CurrentFormat) throw new InvalidDataException($"the job was stored by Obverse {job["obverse"]} in format {format}; this is {Job.Version}, which reads formats 1 to {Job.CurrentFormat}");
        return AsStored(format < 2 ? FromFirst(job) : job);
    }

    // Of before "pictures" was stored: their colours under alpha 0 were read. Where a job names none it makes no difference, and it stays equal to one of today.
    private static JsonObject AsStored(JsonObject job)
    {
        if (job["pictures"] is not null || (string?)job["job"] != "inversion") return job;
        var prompts = (job["targets"] as JsonObject ?? []).Select(target => target.Value).Append(job["prompt"]);
        if (job["start"] is null && !prompts.Any(prompt => prompt is JsonObject named && named["parts"] is JsonArray parts && parts.Any(part => part is JsonObject one && one["image"] is not null))) return job;
        job["pictures"] = "as-stored";
        return job;
    }

    private static JsonObject FromFirst(JsonObject job)
    {
        if (job["recipe"] is not JsonObject recipe || job["prompt"] is not JsonObject || job["model"] is null) throw new InvalidDataException("not a job: recipe, prompt and model are wanted");
        var current = new JsonObject { ["job"] = "inversion", ["format"] = 2, ["recipe"] = Recipe(recipe), ["prompt"] = Prompt(job) };
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
        current["views"] = Views(recipe["views"]);
        if (recipe["targetViews"] is { } target) current["targetViews"] = Views(target);
        current["objective"] = Objective(recipe["objective"]);
        var schedule = (JsonObject)recipe["schedule"]!.DeepClone();
        current["schedule"] = schedule;
        var curve = (string?)schedule["curve"];
        var ramp = curve switch
        {
            "cosine" => new JsonObject { ["is"] = "cosine", ["from"] = 1, ["to"] = 0 },
            "step" => new JsonObject { ["is"] = "step", ["from"] = 1, ["every"] = Copy(schedule["every"]), ["factor"] = Copy(schedule["factor"]) },
            _ => null,
        };
        foreach (var name in (string[])["curve", "every", "factor"]) schedule.Remove(name);
        if (ramp is not null) schedule["curve"] = ramp;
        if (recipe["pace"]?["stages"] is JsonArray stages)
        {
            schedule["progressive"] = new JsonObject { ["stages"] = new JsonArray([.. stages.Select(stage => new JsonObject { ["until"] = Copy(stage!["until"]), ["resolution"] = Copy(stage["side"]), ["views"] = Copy(stage["copies"]) })]) };
        }

        Put(current, "bank", recipe["prior"]);
        return current;
    }

    private static JsonObject Views(JsonNode? views) => new() { ["count"] = Copy(views!["copies"]), ["chain"] = Copy(views["chain"]), ["isAveraged"] = Copy(views["isAveraged"]) };

    private static JsonObject Objective(JsonNode? objective) => (string?)objective!["is"] switch
    {
        "toward-pictures" => Toward(Targets.Pictures),
        "toward-start" => Toward(Targets.Start),
        "sum" => new JsonObject { ["is"] = "sum", ["terms"] = new JsonArray([.. objective["terms"]!.AsArray().Select(term => new JsonObject { ["weight"] = Copy(term!["weight"]), ["objective"] = Objective(term["objective"]) })]) },
        _ => (JsonObject)objective.DeepClone(),
    };

    private static JsonObject Toward(string target) => new() { ["is"] = "toward", ["distance"] = "cosine", ["target"] = target };

    // The hashes of the prompt's pictures stood in a list of their own.
    private static JsonObject Prompt(JsonObject job)
    {
        var prompt = (JsonObject)job["prompt"]!.DeepClone();
        var hashes = new Queue<JsonNode?>(job["imageSha256"]?.AsArray() ?? []);
        foreach (var part in prompt["parts"]!.AsArray()) if (part!["image"] is not null && hashes.TryDequeue(out var hash)) part["sha256"] = Copy(hash);
        return prompt;
    }

    private static void Put(JsonObject to, string name, JsonNode? value)
    {
        if (value is not null) to[name] = value.DeepClone();
    }

    private static JsonNode? Copy(JsonNode? node) => node?.DeepClone();
}
