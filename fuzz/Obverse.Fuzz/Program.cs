using Obverse.Fuzz;

// Obverse.Fuzz TARGET…|all [--count N] [--seed S] [--findings DIR]   |   --replay FILE   |   --list
var names = args.Where((arg, i) => !arg.StartsWith("--", StringComparison.Ordinal) && (i == 0 || !args[i - 1].StartsWith("--", StringComparison.Ordinal))).ToArray();
var findings = Value("--findings") ?? Path.Combine("out", "fuzz");
if (args is ["--work", var name, var seed, var first, var count, var current, ..])
{
    new Supervisor(findings).Work(Catalogue.Named(name), int.Parse(seed), int.Parse(first), int.Parse(count), current);
    return 0;
}

if (args.Contains("--list"))
{
    foreach (var target in Catalogue.All) Console.WriteLine(target.Name);
    return 0;
}

if (Value("--replay") is { } file)
{
    var target = Catalogue.Named(Value("--target") ?? Path.GetFileName(file).Split('_')[0]);
    var trial = Trial.Of(target, File.ReadAllBytes(file));
    Console.WriteLine($"{target.Name}: {trial.Wrong ?? (trial.Accepted ? "read" : "refused as documented")}; {trial.Seconds * 1000:0} ms, {trial.Allocated} bytes allocated");
    if (trial.Error is not null) Console.WriteLine(trial.Wrong is null ? trial.Error.Message : trial.Error);
    return trial.Wrong is null ? 0 : 1;
}

if (names.Length == 0)
{
    Console.Error.WriteLine("usage: run.sh TARGET…|all [--count N] [--seed S] [--findings DIR], --replay FILE, or --list");
    return 2;
}

var bad = 0;
Console.WriteLine(Tally.Header);
foreach (var target in names is ["all"] ? Catalogue.All : names.Select(Catalogue.Named))
{
    var tally = new Supervisor(findings).Run(target, int.Parse(Value("--seed") ?? "1"), int.Parse(Value("--count") ?? "100000"));
    Console.WriteLine(tally);
    foreach (var finding in tally.Findings) Console.Error.WriteLine(finding);
    bad += tally.Findings.Count;
}

return bad == 0 ? 0 : 1;

string? Value(string option) => Array.IndexOf(args, option) is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : null;
