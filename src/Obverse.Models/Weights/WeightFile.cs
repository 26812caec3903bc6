using System.Text.Json;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Any file of weights, recognised by its content and not by its ending: safetensors, PyTorch's own files, or the index of several of either. Its tensors
/// are read when they are asked for, in their own element types, and outlive it.
/// </summary>
public sealed class WeightFile : IDisposable
{
    private readonly Dictionary<string, (DType Type, long[] Shape, Func<Tensor> Read)> tensors = [];
    private readonly List<IDisposable> parts = [];

    private WeightFile(string path) => Path = path;

    public string Path { get; }

    /// <summary>In the order of the file.</summary>
    public IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>Of a safetensors file; else empty.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; private set; } = new Dictionary<string, string>();

    /// <summary>Of a script (torch.jit.save): the classes of its modules, such as "QuickGELU".</summary>
    internal HashSet<string> Classes { get; } = [];

    public bool Contains(string name) => tensors.ContainsKey(name);

    public (DType Type, long[] Shape) Describe(string name) => Find(name) is var (type, shape, _) ? (type, shape) : default;

    public Tensor this[string name] => Find(name).Read();

    /// <exception cref="WeightsException">It is none of the kinds, or not as its kind should be; the message names the file and what is wrong.</exception>
    public static WeightFile Open(string path)
    {
        var file = new WeightFile(path);
        try
        {
            if (Kind(path) == WeightKind.Index)
            {
                foreach (var shard in Shards(path))
                {
                    if (Kind(shard) == WeightKind.Index) throw new WeightsException($"{path}: names '{System.IO.Path.GetFileName(shard)}', which is an index too");
                    file.Add(shard);
                }
            }
            else
            {
                file.Add(path);
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var part in parts) part.Dispose();
    }

    private (DType Type, long[] Shape, Func<Tensor> Read) Find(string name) => tensors.TryGetValue(name, out var tensor) ? tensor : throw new WeightsException($"{Path}: no tensor '{name}'");

    private void Add(string path)
    {
        if (Kind(path) == WeightKind.Torch)
        {
            var archive = TorchArchive.Open(path);
            parts.Add(archive);
            Classes.UnionWith(archive.Classes);
            foreach (var name in archive.Names) Add(path, name, archive.Describe(name), () => archive[name]);
        }
        else
        {
            var safe = Safetensors.Open(path);
            parts.Add(safe);
            Metadata = safe.Metadata;
            foreach (var name in safe.Names) Add(path, name, safe.Describe(name), () => safe[name]);
        }
    }

    private void Add(string path, string name, (DType Type, long[] Shape) facts, Func<Tensor> read)
    {
        if (!tensors.TryAdd(name, (facts.Type, facts.Shape, read))) throw new WeightsException($"{path}: tensor '{name}' is in another file too");
    }

    // A safetensors file begins with the length of its header, which begins with a brace.
    private static WeightKind Kind(string path)
    {
        if (!File.Exists(path)) throw new WeightsException($"{path}: no such file");
        Span<byte> buffer = stackalloc byte[32];
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        ReadOnlySpan<byte> head = buffer[..stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
        if (head.Length >= 9 && head[8] == '{' && BitConverter.ToUInt64(head) < 1UL << 32) return WeightKind.Safetensors;
        if (TorchContainer.IsZip(head) || TorchContainer.IsStream(head)) return WeightKind.Torch;
        if (head.StartsWith("version https://git-lfs"u8)) throw new WeightsException($"{path}: a Git LFS pointer, not the file that it stands for: `git lfs pull` fetches that");
        if (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || head.TrimStart(" \t\r\n"u8) is [(byte)'{', ..]) return WeightKind.Index;
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)) return WeightKind.Safetensors; // which says what is wrong with it
        throw new WeightsException($"{path}: not weights: wanted safetensors, one of PyTorch's files (zip or pickle), or the index of either");
    }

    private static IEnumerable<string> Shards(string index) => WeightNames.Shards(index).Select(name => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(index))!, name));

    private enum WeightKind { Safetensors, Torch, Index }
}
