using System.Runtime.InteropServices;
using System.Text.Json;

namespace Obverse.Tests.Pictures;

/// <summary>Just enough safetensors for these tests: an 8-byte length, a JSON header, the bytes.</summary>
internal sealed class ReferenceTensors(string path)
{
    private readonly byte[] bytes = File.ReadAllBytes(path);
    private JsonElement? header;

    private JsonElement Header => header ??= JsonDocument.Parse(bytes.AsMemory(8, (int)BitConverter.ToInt64(bytes))).RootElement;

    public int[] Shape(string name) => [.. Header.GetProperty(name).GetProperty("shape").EnumerateArray().Select(n => n.GetInt32())];

    public ReadOnlySpan<byte> Bytes(string name)
    {
        var offsets = Header.GetProperty(name).GetProperty("data_offsets");
        var start = 8 + (int)BitConverter.ToInt64(bytes);
        return bytes.AsSpan(start + offsets[0].GetInt32(), offsets[1].GetInt32() - offsets[0].GetInt32());
    }

    public ReadOnlySpan<float> Floats(string name) => MemoryMarshal.Cast<byte, float>(Bytes(name));
}
