using System.Buffers.Binary;
using System.Text.Json;
using Obverse.Files;

namespace Obverse.Torch;

/// <summary>A tensor that will be written: what the header says of it is known before its numbers are asked for.</summary>
/// <param name="Read">Called when it is written; what it gives is disposed afterwards.</param>
public sealed record PlannedTensor(string Name, DType Type, long[] Shape, Func<Tensor> Read)
{
    public long Bytes => Shape.Aggregate((long)Safetensors.ElementSize(Type), (product, side) => checked(product * side));
}

/// <summary>Writes safetensors with one tensor in memory at a time, atomically.</summary>
public static unsafe class SafetensorsWriter
{
    /// <param name="progress">Called with the bytes written so far, every 64 MiB at least; may throw to stop, and nothing is left behind.</param>
    public static void Write(string path, IReadOnlyList<PlannedTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null, Action<long>? progress = null)
    {
        using var header = Header(tensors, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            header.WriteTo(stream);
            var done = 0L;
            foreach (var planned in tensors)
            {
                using var tensor = planned.Read();
                if (tensor.DType != planned.Type || !tensor.Shape.AsSpan().SequenceEqual(planned.Shape)) throw new InvalidOperationException($"{path}: tensor '{planned.Name}' is {tensor}, planned was {planned.Type} [{string.Join(", ", planned.Shape)}]");
                using var here = tensor.Detach();
                using var near = here.To(Device.Cpu);
                using var plain = near.Contiguous();
                for (long at = 0, bytes = planned.Bytes; at < bytes;)
                {
                    var count = (int)Math.Min(1 << 26, bytes - at);
                    stream.Write(new ReadOnlySpan<byte>((byte*)plain.Data + at, count));
                    at += count;
                    progress?.Invoke(done += count);
                }
            }
        });
    }

    private static MemoryStream Header(IReadOnlyList<PlannedTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }

            var offset = 0L;
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", Safetensors.Code(tensor.Type));
                json.WriteStartArray("shape");
                foreach (var side in tensor.Shape) json.WriteNumberValue(side);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (header.Length % 8 != 0) header.WriteByte((byte)' ');
        return header;
    }
}
