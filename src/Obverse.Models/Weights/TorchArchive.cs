using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// A file of PyTorch's (.pt, .bin, .ckpt, .pth: zip, the old stream, or a script), of which only tensors are read and nothing is ever run. Tensors are
/// named by the path of their keys and come out contiguous, in their own element type, over the mapped file where they can be. What they take together,
/// views that repeat numbers and unpacked storages counted in full, is at most <see cref="Growth"/> times the file and <see cref="Allowance"/> more.
/// </summary>
internal sealed class TorchArchive : IDisposable
{
    /// <summary>Tied weights and expanded masks repeat numbers, and deflated zeros are short; eightfold is far from any of them, and far from a bomb.</summary>
    public const long Growth = 8, Allowance = 1 << 20;

    private readonly MappedBytes file;
    private readonly TorchContainer container;
    private readonly HashSet<string> shared, several; // names of tensors that have numbers in common with others; keys of storages that several look at

    private TorchArchive(MappedBytes file, TorchContainer container)
    {
        (this.file, this.container) = (file, container);
        CheckSizes(Growth * file.Length + Allowance);
        shared = Overlapping();
        several = [.. container.Tensors.Values.GroupBy(tensor => tensor.Storage.Key).Where(group => group.Count() > 1).Select(group => group.Key)];
    }

    /// <summary>Of a script: the classes of its modules.</summary>
    public IReadOnlySet<string> Classes => container.Classes;

    public IEnumerable<string> Names => container.Tensors.Keys;

    public static TorchArchive Open(string path) => Open(MappedBytes.Open(path));

    public static TorchArchive Open(ReadOnlySpan<byte> bytes, string name) => Open(MappedBytes.Of(bytes, name));

    /// <summary>Reads a whole checkpoint from memory and lets go of it again, a tensor at a time: throws a <see cref="WeightsException"/>, or nothing.</summary>
    public static void TryAll(byte[] bytes)
    {
        using var archive = Open(bytes, "bytes");
        foreach (var name in archive.Names) archive[name].Dispose();
    }

    public (DType Type, long[] Shape) Describe(string name) => Find(name) is var tensor ? (tensor.Storage.Type, tensor.Shape) : default;

    /// <summary>The tensor, contiguous. Over the file's pages where nobody else looks at these numbers, else a copy: what is changed in one never changes another.</summary>
    public Tensor this[string name]
    {
        get
        {
            var tensor = Find(name);
            if (tensor.Elements == 0) return Tensor.Empty(tensor.Shape, tensor.Storage.Type);
            var (memory, start, isOurs) = container.Storages[tensor.Storage.Key].Hold(once: !several.Contains(tensor.Storage.Key));
            try
            {
                return Made(name, tensor, memory, start + (tensor.Storage.Offset + tensor.Offset) * Safetensors.ElementSize(tensor.Storage.Type));
            }
            finally
            {
                if (isOurs) memory.Dispose(); // tensors over it keep what they look at
            }
        }
    }

    public void Dispose()
    {
        foreach (var storage in container.Storages.Values) storage.Dispose();
        file.Dispose();
    }

    private static TorchArchive Open(MappedBytes file)
    {
        try
        {
            return new(file, TorchContainer.Read(file, Growth * file.Length + Allowance));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private Tensor Made(string name, TensorReference tensor, MappedBytes memory, long at)
    {
        var type = tensor.Storage.Type;
        if (tensor.IsContiguous && !shared.Contains(name)) return memory.View(at, type, tensor.Shape);
        return TensorScope.Of(() => tensor.IsContiguous ? memory.View(at, type, tensor.Shape).Clone() : memory.View(at, type, [tensor.Extent]).AsStrided(tensor.Shape, tensor.Strides).Clone().Contiguous());
    }

    private void CheckSizes(long allowed)
    {
        var total = (UInt128)0;
        foreach (var storage in container.Storages.Values) total += (ulong)storage.Cost;
        foreach (var (name, tensor) in container.Tensors)
        {
            var storage = container.Storages[tensor.Storage.Key];
            var wanted = tensor.Storage.Total * Safetensors.ElementSize(tensor.Storage.Type);
            if (storage.Length < wanted) throw new WeightsException($"{file.Name}: storage '{TensorResolver.Shown(tensor.Storage.Key)}' of tensor '{TensorResolver.Shown(name)}' has {storage.Length} bytes, wanted {wanted}");
            total += (ulong)tensor.Bytes;
        }

        if (total > (ulong)allowed) throw new WeightsException($"{file.Name}: its tensors would take {total} bytes, more than {Growth} times the file's {file.Length}: views that repeat numbers, or a bomb");
    }

    // Names of tensors that have numbers in common with another.
    private HashSet<string> Overlapping()
    {
        var overlapping = new HashSet<string>();
        foreach (var storage in container.Tensors.Where(t => t.Value.Elements > 0).GroupBy(t => t.Value.Storage.Key))
        {
            var (end, last) = (-1L, "");
            foreach (var (name, from, to) in storage.Select(t => Range(t.Key, t.Value)).OrderBy(r => r.From))
            {
                if (from < end)
                {
                    overlapping.Add(name);
                    overlapping.Add(last);
                }

                if (to > end) (end, last) = (to, name);
            }
        }

        return overlapping;
    }

    private static (string Name, long From, long To) Range(string name, TensorReference tensor)
    {
        var (size, from) = (Safetensors.ElementSize(tensor.Storage.Type), tensor.Storage.Offset + tensor.Offset);
        return (name, from * size, (from + tensor.Extent) * size);
    }

    private TensorReference Find(string name) => container.Tensors.TryGetValue(name, out var tensor) ? tensor : throw new WeightsException($"{file.Name}: no tensor '{name}'");
}
