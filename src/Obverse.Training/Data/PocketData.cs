using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;

namespace Obverse.Training;

/// <summary>How many pictures of each style a set has, in the order of the set, and how many things are drawn in how many styles.</summary>
public sealed record PictureCounts(int Pictures, long Bytes, IReadOnlyDictionary<string, int> Styles, int Concepts)
{
    public override string ToString() => $"{Pictures:N0} pictures of {Concepts:N0} things, {Bytes / 1e6:F1} MB: {string.Join(", ", Styles.Select(style => $"{style.Key} {style.Value:N0}"))}";
}

/// <summary>Makes the picture set that the pocket zoo learns from: seven emoji sets, drawn here, and any folders of photographs.</summary>
public static class PocketData
{
    /// <summary>Side of the drawings. The small towers are trained at 96 px.</summary>
    public const int Side = 96;
    const string InstallLine = "apt-get install -y nodejs npm";

    /// <summary>
    /// Fetches the packages, draws what is not drawn yet, and packs. A killed build goes on where it was; the set in
    /// <paramref name="directory"/> is replaced only when the new one is whole.
    /// </summary>
    /// <param name="directory">Where pocket.pics and pocket.jsonl go.</param>
    /// <param name="photos">Folders or zips with a folder a class, see <see cref="PhotoFolder"/>.</param>
    /// <param name="cache">Packages and drawn sets stay here; by default <c>$XDG_CACHE_HOME/obverse</c> or <c>~/.cache/obverse</c>.</param>
    /// <param name="progress">Gets a line of text now and then.</param>
    /// <param name="cancel">Stops Node too.</param>
    public static PictureCounts Build(string directory, IReadOnlyList<string>? photos = null, string? cache = null, IProgress<string>? progress = null, CancellationToken cancel = default)
    {
        foreach (var path in photos ?? []) new PhotoFolder(path).Dispose();          // a wrong path is said now, not after the drawing
        var tools = Path.GetFullPath(Path.Combine(cache ?? DefaultCache(), "pocket-data"));   // Node runs inside it
        Directory.CreateDirectory(tools);
        using var alone = Lock(Path.Combine(tools, ".lock"));
        Require("node", minimum: 18, cancel);
        Require("npm", minimum: 0, cancel);
        var version = Unpack(tools);
        Install(tools, progress, cancel);
        var parts = Path.Combine(tools, $"parts-{version}");
        foreach (var stale in Directory.EnumerateDirectories(tools, "parts-*").Where(found => found != parts)) Directory.Delete(stale, recursive: true);
        foreach (var style in EmojiStyle.All)
            Run("node", ["rasterise.mjs", "--set", style.Set, "--out", parts, "--size", $"{Side}", "--jobs", $"{Math.Min(2, Environment.ProcessorCount)}", "--leash", "yes"], tools, progress, cancel);
        return Pack(directory, parts, photos, progress, cancel);
    }

    /// <summary>Puts sets that rasterise.mjs has drawn, and photographs, into one picture set.</summary>
    public static PictureCounts Pack(string directory, string parts, IReadOnlyList<string>? photos = null, IProgress<string>? progress = null, CancellationToken cancel = default)
    {
        Dictionary<string, int> styles = [];
        HashSet<string> concepts = [];
        using var writer = new PictureSetWriter(directory);
        void Add(PictureEntry entry, ReadOnlySpan<byte> blob)
        {
            cancel.ThrowIfCancellationRequested();
            writer.Add(entry, blob);
            styles[entry.Style] = styles.GetValueOrDefault(entry.Style) + 1;
            concepts.Add(entry.Concept);
        }

        foreach (var style in EmojiStyle.All)
        {
            var stem = Path.Combine(parts, $"{style.Set}.{Side}");
            using var blobs = File.OpenHandle(stem + ".blobs");
            // Two child processes draw in whatever order they finish; the set's own order is the icons'.
            foreach (var drawn in Finished(stem + ".jsonl").OrderBy(line => line.Icon, StringComparer.Ordinal))
            {
                var blob = new byte[drawn.Length];
                if (RandomAccess.Read(blobs, blob, drawn.Offset) != blob.Length) throw new InvalidDataException($"'{stem}.blobs' ends inside {drawn.Icon}; delete it and build again.");
                Add(new PictureEntry
                {
                    Style = style.Set, Concept = drawn.Concept!, Name = drawn.Name!, Names = [drawn.Name!], Keywords = drawn.Keywords ?? [], Label = drawn.Concept!,
                    Split = style == EmojiStyle.HeldOut ? PictureSet.HeldOut : PictureSet.Train, Source = drawn.Icon!,
                    Format = PictureFormat.RgbaDeflate, Width = drawn.Width, Height = drawn.Height,
                }, blob);
            }
            progress?.Report($"{style.Set}: {styles.GetValueOrDefault(style.Set):N0} pictures");
        }
        foreach (var path in photos ?? [])
        {
            using var folder = new PhotoFolder(path);
            if (styles.ContainsKey(folder.Name)) throw new InvalidDataException($"Two sources are called '{folder.Name}'; rename '{path}'.");
            foreach (var (entry, jpeg) in folder.Read()) Add(entry, jpeg);
            progress?.Report($"{folder.Name}: {styles.GetValueOrDefault(folder.Name):N0} photographs");
        }
        writer.Commit();
        var bytes = new FileInfo(Path.Combine(directory, PictureSet.PicturesFile)).Length;
        var counts = new PictureCounts(writer.Count, bytes, styles, concepts.Count);
        progress?.Report(counts.ToString());
        return counts;
    }

    sealed record DrawnLine(string? Icon, string? Concept, string? Name, string[]? Keywords, long Offset, int Length, int Width, int Height, string? Skipped, int? Finished);

    static List<DrawnLine> Finished(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"'{path}' is missing: that emoji set has not been drawn.");
        var lines = File.ReadLines(path).Select(line => JsonSerializer.Deserialize<DrawnLine>(line, PictureSet.Json)!).ToList();
        if (lines.Count == 0 || lines[^1].Finished is null) throw new InvalidDataException($"'{path}' is not finished; draw the set again and it goes on.");
        return lines.FindAll(line => line is { Length: > 0, Icon: not null, Concept: not null, Name: not null });
    }

    static string DefaultCache() => Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set
        ? Path.Combine(set, "obverse")
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache", "obverse");

    static FileStream Lock(string path)
    {
        try { return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None); }
        catch (IOException inUse) { throw new InvalidOperationException($"Another build is drawing in '{Path.GetDirectoryName(path)}'; wait for it or give another cache.", inUse); }
    }

    /// <summary>Writes the script and its package lists beside each other; the answer names this version of them, so that what an older one drew is not taken for its work.</summary>
    static string Unpack(string tools)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var assembly = typeof(PocketData).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith("pocket-data/", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            hash.AppendData(bytes);
            File.WriteAllBytes(Path.Combine(tools, Path.GetFileName(name)), bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }

    static void Install(string tools, IProgress<string>? progress, CancellationToken cancel)
    {
        var (wanted, mark) = (Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(tools, "package-lock.json")))), Path.Combine(tools, "node_modules", ".obverse"));
        if (File.Exists(mark) && File.ReadAllText(mark) == wanted) return;
        progress?.Report("fetching the emoji sets (210 MB unpacked)");
        Run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], tools, progress, cancel);
        File.WriteAllText(mark, wanted);
    }

    static void Require(string program, int minimum, CancellationToken cancel)
    {
        List<string> said = [];
        try { Run(program, ["--version"], Environment.CurrentDirectory, new Each(said.Add), cancel); }
        catch (Win32Exception) { throw new InvalidOperationException($"`{program}` was not found: the emoji sets are drawn with Node 18 or newer. Install it: {InstallLine}"); }
        var version = said.LastOrDefault()?.TrimStart('v') ?? "";
        if (minimum > 0 && int.TryParse(version.Split('.')[0], out var major) && major < minimum)
            throw new InvalidOperationException($"`{program}` is version {version}; the emoji sets are drawn with Node {minimum} or newer. Install it: {InstallLine}");
    }

    sealed class Each(Action<string> action) : IProgress<string> { public void Report(string value) => action(value); }

    static void Run(string program, string[] arguments, string directory, IProgress<string>? progress, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true } };
        List<string> errors = [];
        process.OutputDataReceived += (_, line) => { if (!string.IsNullOrWhiteSpace(line.Data)) progress?.Report(line.Data); };
        process.ErrorDataReceived += (_, line) => { if (!string.IsNullOrWhiteSpace(line.Data)) lock (errors) errors.Add(line.Data); };
        process.Start();
        using var stop = cancel.Register(() => { try { process.Kill(entireProcessTree: true); } catch (InvalidOperationException) { } });
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.WaitForExit();
        cancel.ThrowIfCancellationRequested();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"`{program} {string.Join(' ', arguments)}` in '{directory}' ended with {process.ExitCode}: {string.Join(" | ", errors.TakeLast(4))}");
    }
}
