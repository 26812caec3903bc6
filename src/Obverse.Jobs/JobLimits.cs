using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>What no single number's limit (<see cref="Limits"/>) says of a job that was read from a file.</summary>
internal static class JobLimits
{
    private const double MostParameters = 1 << 30; // 4 GB

    /// <exception cref="InvalidDataException">The first thing that is wrong.</exception>
    public static Job Checked(Job job)
    {
        Limits.Check(job);
        if (job.Device is { } device && !IsDevice(device)) throw new InvalidDataException($"device is '{device}'; cpu, cuda or cuda:N was wanted");
        if (job.Precision is not (null or "auto" or "fp32" or "bf16")) throw new InvalidDataException($"precision is '{job.Precision}'; fp32 or bf16 was wanted");
        if (job is InversionJob inversion) Check(inversion);
        if (job is SampleJob sample) Check(sample);
        return job;
    }

    private static bool IsDevice(string text)
    {
        try
        {
            return Device.Parse(text) is { Type: DeviceType.Cpu or DeviceType.Cuda };
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static void Check(InversionJob job)
    {
        if (job.StoppedAfter > job.Recipe.Schedule.StepCount) throw new InvalidDataException($"stoppedAfter is {job.StoppedAfter}, of {job.Recipe.Schedule.StepCount} steps");
        if (Parameters(job.Recipe.Canvas, job.Width, job.Height) is var parameters and > MostParameters) throw new InvalidDataException(FormattableString.Invariant($"recipe.canvas has {parameters:0} parameters at {job.Width}x{job.Height}; at most {MostParameters:0} were wanted"));
        foreach (var model in job.Models) if (model.Name.Length == 0) throw new InvalidDataException("a model's name is empty");
        Check(job.Prompt, "prompt");
        foreach (var (name, prompt) in job.Targets ?? new Dictionary<string, Prompt>()) Check(prompt, $"targets['{name}']");
        CheckTargets(job);
    }

    /// <exception cref="InvalidDataException">The objective names a target that the job does not have.</exception>
    public static void CheckTargets(InversionJob job)
    {
        foreach (var name in Named(job.Recipe.Objective))
        {
            var isThere = name switch { Targets.Prompt => true, Targets.Pictures => job.Recipe.Bank is not null, Targets.Start => job.Recipe.Fit is not null || job.Recipe.Canvas.NeedsStart, _ => false };
            if (!isThere && job.Targets?.ContainsKey(name) != true && job.Recipe.Texts?.Any(text => text.Name == name) != true) throw new InvalidDataException($"recipe '{job.Recipe.Name}': the objective names the target '{name}', which the job does not have");
        }
    }

    private static void Check(SampleJob job)
    {
        if (job.Model.Name.Length == 0 || job.References?.Encoder is { Name.Length: 0 }) throw new InvalidDataException("a model's name is empty");
        if (!Diffusion.Sampler.Names.Contains(job.Sampler)) throw new InvalidDataException($"sampler is '{job.Sampler}'; wanted was one of {string.Join(", ", Diffusion.Sampler.Names)}");
        if (job.Start is { Strength: <= 0 }) throw new InvalidDataException("start.strength is 0; a number above 0, at most 1, was wanted");
        if (job.References is { } references && !references.Pictures.Any(one => one.Weight > 0)) throw new InvalidDataException("references.pictures have weights of 0 only");
        if (job.StoppedAfter > job.Steps + 1) throw new InvalidDataException($"stoppedAfter is {job.StoppedAfter}, of {job.Steps} steps"); // PNDM calls once more
    }

    // Of the plans that can have many more than the picture has pixels.
    private static double Parameters(CanvasPlan plan, int width, int height)
    {
        if (plan is Inr inr) return (double)inr.Hidden * inr.Size * inr.Size;
        if (plan is not Pyramid { Closed: false } pyramid) return 0;
        var longer = Math.Max(width, height) * (1 + 2 * pyramid.Margin);
        return 3.0 * Math.Min(width, height) / Math.Max(width, height) * pyramid.Sides((long)longer).Sum(side => (double)side * side);
    }

    private static void Check(Prompt prompt, string at)
    {
        for (var i = 0; i < prompt.Parts.Count; i++)
        {
            if (prompt.Parts[i] is { Text: null } == prompt.Parts[i] is { Image: null }) throw new InvalidDataException($"{at}.parts[{i}]: a text or an image was wanted");
        }
    }

    // Objectives of other libraries keep their names to themselves: those fail at their first step.
    private static IEnumerable<string> Named(Objective objective) => objective switch
    {
        WeightedSum sum => sum.Terms.SelectMany(term => Named(term.Objective)),
        RampedObjective ramped => Named(ramped.Objective),
        Through through => Named(through.Objective),
        Toward toward => [toward.Target],
        Along along => along.Start is { } start ? [along.From, along.To, start] : [along.From, along.To],
        _ => [],
    };
}
