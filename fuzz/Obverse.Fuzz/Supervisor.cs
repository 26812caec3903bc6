using System.Diagnostics;
using System.IO.MemoryMappedFiles;

namespace Obverse.Fuzz;

/// <summary>
/// Runs the inputs in a child process, which a crash of a native library may take away: the input of the moment lies in a mapped file, which
/// outlives the child. The parent writes it down as a finding and starts another child after it; a child that stands still is ended.
/// </summary>
internal sealed class Supervisor(string findings)
{
    private const int Slot = 1 << 20, StillSeconds = 60;

    public Tally Run(Target target, int seed, int count)
    {
        Directory.CreateDirectory(findings);
        var current = Path.Combine(Scratch.Folder, target.Name + ".current");
        var total = new Tally { Target = target.Name };
        for (var first = 0; first < count;)
        {
            File.WriteAllBytes(current, new byte[16 + Slot]);
            using var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, Arguments(target, seed, first, count - first, current)) { RedirectStandardOutput = true })!;
            var output = child.StandardOutput.ReadToEndAsync();
            var hung = Watch(child, current);
            if (child.ExitCode == 0)
            {
                total.Add(Tally.FromJson(output.Result.Trim().Split('\n')[^1]));
                break;
            }

            var (n, input) = Current(current);
            total.Findings.Add(Save(target, seed, n, input, hung ? $"no end after {StillSeconds} s" : $"the process ended with {child.ExitCode}"));
            total.Inputs += n + 1 - first;
            first = n + 1;
            if (total.Findings.Count > 30) break;
        }

        return total;
    }

    /// <summary>The child's side.</summary>
    public void Work(Target target, int seed, int first, int count, string current)
    {
        using var file = MemoryMappedFile.CreateFromFile(current, FileMode.Open);
        using var view = file.CreateViewAccessor();
        var tally = Worker.Run(target, seed, first, count,
            begin: (n, input) =>
            {
                view.Write(0, n);
                view.Write(8, input.Length);
                view.WriteArray(16, input, 0, input.Length);
            },
            wrong: (n, input, problem) => Save(target, seed, n, input, problem));
        Console.WriteLine(tally.ToJson());
    }

    private string Save(Target target, int seed, int n, byte[] input, string problem)
    {
        var path = Path.Combine(findings, $"{target.Name}_{seed}_{n}{target.Extension}");
        File.WriteAllBytes(path, input);
        File.AppendAllText(Path.Combine(findings, "findings.txt"), $"{Path.GetFileName(path)}: {problem}\n");
        return $"{path}: {problem}";
    }

    private string[] Arguments(Target target, int seed, int first, int count, string current)
    {
        string[] own = ["--work", target.Name, $"{seed}", $"{first}", $"{count}", current, "--findings", Path.GetFullPath(findings)];
        var program = Environment.GetCommandLineArgs()[0];
        return Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [program, .. own] : own;
    }

    private static bool Watch(Process child, string current)
    {
        var (at, since) = (-1, Stopwatch.StartNew());
        while (!child.WaitForExit(500))
        {
            var (n, _) = Current(current);
            if (n != at) (at, since) = (n, Stopwatch.StartNew());
            if (since.Elapsed.TotalSeconds < StillSeconds) continue;
            child.Kill();
            child.WaitForExit();
            return true;
        }

        return false;
    }

    private static (int N, byte[] Input) Current(string current)
    {
        using var file = new FileStream(current, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new BinaryReader(file);
        var n = (int)reader.ReadInt64();
        return (n, reader.ReadBytes((int)reader.ReadInt64()));
    }
}
