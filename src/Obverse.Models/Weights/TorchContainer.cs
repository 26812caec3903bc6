using System.Numerics;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>What torch.save and torch.jit.save put into a file: tensors described by their paths, and the storages that they look at.</summary>
internal sealed record TorchContainer(IReadOnlyDictionary<string, TensorReference> Tensors, IReadOnlyDictionary<string, StoredBytes> Storages, IReadOnlySet<string> Classes)
{
    private static readonly BigInteger magic = BigInteger.Parse("119547037146038801333356", System.Globalization.CultureInfo.InvariantCulture); // 0x1950a86a20f9469cfc6c, torch/serialization.py

    public static bool IsZip(ReadOnlySpan<byte> head) => head.StartsWith("PK\x03\x04"u8);

    public static bool IsStream(ReadOnlySpan<byte> head) => head is [0x80, ..];

    /// <summary>By what the file begins with. <paramref name="budget"/> bounds what is unpacked here.</summary>
    public static TorchContainer Read(MappedBytes file, long budget)
    {
        var head = file.Span(0, (int)Math.Min(8, file.Length));
        return IsZip(head) ? FromZip(file, budget) : IsStream(head) ? FromStream(file) : throw new WeightsException($"{file.Name}: not one of PyTorch's files: it begins neither as a zip nor as a pickle");
    }

    /// <summary>ROOT/data.pkl, ROOT/byteorder, ROOT/data/KEY; scripts have ROOT/code/ and ROOT/constants.pkl beside, which nobody reads: the classes of its modules are named in the pickle.</summary>
    private static TorchContainer FromZip(MappedBytes file, long budget)
    {
        var members = ZipDirectory.Read(file);
        var pickles = members.Keys.Where(name => name == "data.pkl" || name.EndsWith("/data.pkl", StringComparison.Ordinal)).ToList();
        if (pickles.Count != 1) throw new WeightsException($"{file.Name}: a zip with {pickles.Count} members data.pkl, wanted one");
        var root = pickles[0][..^"data.pkl".Length];
        var origin = $"{file.Name}: {TensorResolver.Shown(pickles[0])}";
        StoredBytes Member(string name) => new(file, members[name]);

        if (members.ContainsKey(root + "byteorder"))
        {
            using var order = Member(root + "byteorder");
            if (order.Length > 16 || order.Locate() is var (bytes, from) && !bytes.Span(from, (int)order.Length).SequenceEqual("little"u8)) throw new WeightsException($"{file.Name}: its byte order is not little");
        }

        using var pickle = Member(pickles[0]);
        if (pickle.Cost > budget) throw new WeightsException($"{origin}: unpacks to {pickle.Length} bytes, allowed are {budget}");
        var isScript = members.ContainsKey(root + "constants.pkl");
        var resolver = new TensorResolver(origin, isScript);
        var (memory, at) = pickle.Locate();
        var reader = new PickleReader(memory, at, at + pickle.Length, origin, resolver);
        var tensors = TensorPaths.Of(reader.Read(), origin, reader.Operations, pickle.Length);

        var storages = new Dictionary<string, StoredBytes>();
        foreach (var (path, tensor) in tensors)
        {
            var key = tensor.Storage.Key;
            if (storages.ContainsKey(key)) continue;
            var name = new[] { $"{root}data/{key}", isScript ? $"{root}constants/{key}" : "" }.FirstOrDefault(members.ContainsKey)
                ?? throw new WeightsException($"{file.Name}: storage '{TensorResolver.Shown(key)}' of tensor '{TensorResolver.Shown(path)}' is missing");
            storages.Add(key, Member(name));
        }

        return new(tensors, storages, resolver.Classes);
    }

    /// <summary>Before PyTorch 1.6: five pickles (magic number, protocol, system, object, storage keys), then each storage behind the number of its elements.</summary>
    private static TorchContainer FromStream(MappedBytes file)
    {
        var (origin, at, operations) = (file.Name, 0L, 0);
        var resolver = new TensorResolver(origin);
        object? Next()
        {
            var reader = new PickleReader(file, at, file.Length, origin, resolver);
            var value = reader.Read();
            (at, operations) = (reader.Position, reader.Operations);
            return value;
        }

        if (Next() is not BigInteger number || number != magic) throw new WeightsException($"{origin}: a pickle, but not one of PyTorch's checkpoints: its magic number is missing");
        if (Next() is not 1001L) throw new WeightsException($"{origin}: its protocol is not 1001");
        if (Next() is not PickleDictionary system || system["little_endian"] is not true) throw new WeightsException($"{origin}: its byte order is not little");
        var start = at;
        var root = Next();
        var tensors = TensorPaths.Of(root, origin, operations, at - start);
        if (Next() is not List<object?> keys) throw new WeightsException($"{origin}: the list of its storages is missing");

        var storages = new Dictionary<string, StoredBytes>();
        foreach (var item in keys)
        {
            if (item is not string key || !resolver.Storages.TryGetValue(key, out var storage)) throw new WeightsException($"{origin}: a storage is listed that no tensor is in");
            if (file.Length - at < 8) throw new WeightsException($"{origin}: cut off before storage '{TensorResolver.Shown(key)}'");
            var elements = BitConverter.ToInt64(file.Span(at, 8));
            at += 8;
            var size = Safetensors.ElementSize(storage.Type);
            if (elements != storage.Total || elements > (file.Length - at) / size) throw new WeightsException($"{origin}: storage '{TensorResolver.Shown(key)}' has {elements} elements, wanted {storage.Total}, and {file.Length - at} bytes are left");
            if (!storages.TryAdd(key, new(file, key, false, at, elements * size, elements * size))) throw new WeightsException($"{origin}: storage '{TensorResolver.Shown(key)}' is listed twice");
            at += elements * size;
        }

        foreach (var (path, tensor) in tensors)
        {
            if (!storages.ContainsKey(tensor.Storage.Key)) throw new WeightsException($"{origin}: storage '{TensorResolver.Shown(tensor.Storage.Key)}' of tensor '{TensorResolver.Shown(path)}' is missing");
        }

        return new(tensors, storages, resolver.Classes);
    }
}
