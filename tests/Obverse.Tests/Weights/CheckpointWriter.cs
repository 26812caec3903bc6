using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Obverse.Torch;

namespace Obverse.Tests.Checkpoints;

/// <summary>Writes pickles an opcode at a time, so that a test can write what Python never would.</summary>
internal sealed class PickleWriter
{
    private readonly MemoryStream bytes = new();

    public PickleWriter(int protocol = 2) => Op(0x80, (byte)protocol);

    public PickleWriter Op(params ReadOnlySpan<byte> raw)
    {
        bytes.Write(raw);
        return this;
    }

    public PickleWriter Op(char letter) => Op((byte)letter);

    public PickleWriter Text(string text) => Op('X').Number(Encoding.UTF8.GetByteCount(text), 4).Op(Encoding.UTF8.GetBytes(text));

    public PickleWriter Int(long value) => Op(0x8A, 8).Number(value, 8);

    public PickleWriter Number(long value, int width)
    {
        Span<byte> room = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(room, value);
        return Op(room[..width]);
    }

    public PickleWriter Global(string module, string name) => Op('c').Op(Encoding.UTF8.GetBytes($"{module}\n{name}\n"));

    public PickleWriter Tuple(params ReadOnlySpan<long> values)
    {
        Op('(');
        foreach (var value in values) Int(value);
        return Op('t');
    }

    public PickleWriter OrderedDict() => Global("collections", "OrderedDict").Op(')').Op('R');

    public PickleWriter Storage(string key, string type, long elements, string module = "torch") => Op('(').Text("storage").Global(module, type).Text(key).Text("cpu").Int(elements).Op('t').Op('Q');

    public PickleWriter Tensor(string key, long elements, long[] shape, long[] strides, long offset = 0, string type = "FloatStorage") =>
        Global("torch._utils", "_rebuild_tensor_v2").Op('(').Storage(key, type, elements).Int(offset).Tuple(shape).Tuple(strides).Op(0x89).OrderedDict().Op('t').Op('R');

    public byte[] End() => Op('.').bytes.ToArray();

    /// <summary>A dictionary with one tensor of floats in storage "0".</summary>
    public static byte[] One(long elements, long[] shape, long[] strides, long offset = 0, string type = "FloatStorage") =>
        new PickleWriter().Op('}').Text("w").Tensor("0", elements, shape, strides, offset, type).Op('s').End();
}

/// <summary>A zip of members as they are given, lies too.</summary>
internal sealed class ZipWriter
{
    private readonly MemoryStream file = new(), directory = new();
    private int count;

    public bool IsWide { get; init; }

    /// <summary>Stored at a multiple of 64 bytes, as PyTorch has it, or deflated. <paramref name="claim"/> is the length that the directory tells.</summary>
    public ZipWriter Add(string name, byte[] data, bool deflate = false, long? claim = null, int? method = null, int flags = 0, long? at = null, string? localName = null)
    {
        var packed = deflate ? Deflate(data) : data;
        var length = claim ?? data.Length;
        var local = at ?? file.Position;
        var (raw, here) = (Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(localName ?? name));
        var code = method ?? (deflate ? 8 : 0);
        var padding = 4 + (int)((128 - (file.Position + 30 + here.Length + 4) % 64) % 64);
        Write(file, (0x04034b50, 4), (20, 2), (flags, 2), (code, 2), (0, 4), (0, 4), (packed.Length, 4), (length, 4), (here.Length, 2), (padding, 2));
        file.Write(here);
        Write(file, (0x4246, 2), (padding - 4, 2));
        file.Write(new byte[padding - 4]);
        file.Write(packed);
        var full = uint.MaxValue;
        Write(directory, (0x02014b50, 4), (45, 2), (45, 2), (flags, 2), (code, 2), (0, 4), (0, 4), (IsWide ? full : deflate ? packed.Length : length, 4), (IsWide ? full : length, 4), (raw.Length, 2), (IsWide ? 28 : 0, 2), (0, 2), (0, 2), (0, 2), (0, 4), (IsWide ? full : local, 4));
        directory.Write(raw);
        if (IsWide) Write(directory, (1, 2), (24, 2), (length, 8), (deflate ? packed.Length : length, 8), (local, 8));
        count++;
        return this;
    }

    public byte[] End(long? members = null, long? start = null)
    {
        var at = start ?? file.Position;
        directory.WriteTo(file);
        var end = file.Position;
        if (IsWide)
        {
            Write(file, (0x06064b50, 4), (44, 8), (45, 2), (45, 2), (0, 4), (0, 4), (members ?? count, 8), (members ?? count, 8), (directory.Length, 8), (at, 8));
            Write(file, (0x07064b50, 4), (0, 4), (end, 8), (1, 4));
        }

        var full = IsWide ? uint.MaxValue : 0;
        Write(file, (0x06054b50, 4), (0, 2), (0, 2), (IsWide ? 0xFFFF : members ?? count, 2), (IsWide ? 0xFFFF : members ?? count, 2), (IsWide ? full : directory.Length, 4), (IsWide ? full : at, 4), (0, 2));
        return file.ToArray();
    }

    /// <summary>What torch.save writes.</summary>
    public static byte[] Checkpoint(byte[] pickle, params (string Key, byte[] Data)[] storages) => Checkpoint("archive", false, false, pickle, storages);

    public static byte[] Checkpoint(string root, bool deflate, bool wide, byte[] pickle, params (string Key, byte[] Data)[] storages)
    {
        var zip = new ZipWriter { IsWide = wide }.Add(root + "/data.pkl", pickle, deflate).Add(root + "/byteorder", "little"u8.ToArray(), deflate);
        foreach (var (key, data) in storages) zip.Add($"{root}/data/{key}", data, deflate);
        return zip.Add(root + "/version", "3\n"u8.ToArray()).End();
    }

    private static byte[] Deflate(byte[] data)
    {
        var packed = new MemoryStream();
        using (var deflater = new DeflateStream(packed, CompressionLevel.Optimal, leaveOpen: true)) deflater.Write(data);
        return packed.ToArray();
    }

    private static void Write(Stream to, params ReadOnlySpan<(long Value, int Width)> fields)
    {
        Span<byte> room = stackalloc byte[8];
        foreach (var (value, width) in fields)
        {
            BinaryPrimitives.WriteInt64LittleEndian(room, value);
            to.Write(room[..width]);
        }
    }
}

/// <summary>Whole checkpoints.</summary>
internal static class CheckpointWriter
{
    /// <summary>A state dict as torch.save writes it today.</summary>
    public static byte[] StateDict(IEnumerable<KeyValuePair<string, Tensor>> tensors, string prefix = "")
    {
        var (pickle, storages) = (new PickleWriter().OrderedDict().Op('('), new List<(string, byte[])>());
        foreach (var (name, tensor) in tensors)
        {
            var strides = new long[tensor.Dims];
            for (long i = tensor.Dims - 1, step = 1; i >= 0; step *= Math.Max(1, tensor.Size((int)i--))) strides[i] = step;
            pickle.Text(prefix + name).Tensor(storages.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), tensor.Elements, tensor.Shape, strides);
            storages.Add((storages.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(tensor.ToFloats()).ToArray()));
        }

        // state_dict() has the versions of modules as an attribute.
        pickle.Op('u').Op('}').Text("_metadata").OrderedDict().Text("").Op('}').Text("version").Int(1).Op('s').Op('s').Op('s').Op('b');
        return ZipWriter.Checkpoint(pickle.End(), [.. storages]);
    }

    /// <summary>A script as torch.jit.save writes it: the pickle holds modules, whose classes are the archive's own.</summary>
    public static byte[] Script(IEnumerable<KeyValuePair<string, Tensor>> tensors, string activation, bool isOpenAI)
    {
        const string modules = "__torch__.multimodal.model.multimodal_transformer.___torch_mangle_9410";
        var (pickle, storages) = (new PickleWriter().Global(modules, "Multimodal").Op(')').Op(0x81).Op('}').Op('('), new List<(string, byte[])>());
        void Add(string name, byte[] data, string type, params long[] shape)
        {
            var (key, strides, elements) = (storages.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), new long[shape.Length], 1L);
            for (var i = shape.Length - 1; i >= 0; elements *= shape[i--]) strides[i] = elements;
            pickle.Text(name).Tensor(key, elements, shape, strides, type: type);
            storages.Add((key, data));
        }

        foreach (var (name, tensor) in tensors) Add(name, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(tensor.ToFloats()).ToArray(), "FloatStorage", tensor.Shape);
        if (isOpenAI) foreach (var name in new[] { "input_resolution", "context_length", "vocab_size" }) Add(name, BitConverter.GetBytes(64L), "LongStorage");
        pickle.Text("gelu").Global(modules, activation).Op(')').Op(0x81).Op('}').Op('b');
        var zip = new ZipWriter().Add("archive/data.pkl", pickle.Op('u').Op('b').End()).Add("archive/constants.pkl", new PickleWriter().Op(')').End());
        foreach (var (key, data) in storages) zip.Add($"archive/data/{key}", data);
        return zip.End();
    }

    /// <summary>The stream of before PyTorch 1.6.</summary>
    public static byte[] Stream(byte[] pickle, params (string Key, int Size, byte[] Data)[] storages)
    {
        var stream = new MemoryStream();
        stream.Write(new PickleWriter().Op(0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19).End());
        stream.Write(new PickleWriter().Op((byte)'M', 0xE9, 0x03).End());
        stream.Write(new PickleWriter().Op('}').Text("little_endian").Op(0x88).Op('s').End());
        stream.Write(pickle);
        var keys = new PickleWriter().Op(']').Op('(');
        foreach (var (key, _, _) in storages) keys.Text(key);
        stream.Write(keys.Op('e').End());
        foreach (var (_, size, data) in storages)
        {
            stream.Write(BitConverter.GetBytes((long)data.Length / size));
            stream.Write(data);
        }

        return stream.ToArray();
    }
}
