using System.IO.Compression;
using System.Text.Json;
using Obverse.Files;

namespace Obverse.Models;

/// <summary>Whether a model's file is whole, as far as its own format tells: weights by their headers and lengths, JSON to its end, gzip by unpacking it.</summary>
public static class FileWholeness
{
    /// <summary>What is wrong with a file, in words without its path; null: nothing that can be seen.</summary>
    public static string? FaultOf(string path)
    {
        try
        {
            if (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
            {
                using var stream = File.OpenRead(path);
                using var json = JsonDocument.Parse(stream);
                if (!path.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase)) return null;
                var missing = WeightNames.Shards(path).Where(shard => !File.Exists(Path.Combine(Path.GetDirectoryName(path)!, shard))).ToArray();
                return missing.Length == 0 ? null : $"names {missing[0]}, which is not there{(missing.Length > 1 ? $", and {missing.Length - 1} more" : "")}";
            }

            if (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) return GzipFault(path);
            if (!IsWeights(path)) return null;
            using var file = WeightFile.Open(path);
            return null;
        }
        catch (WeightsException e) when (e.IsUnsupported)
        {
            return null; // such as training_args.bin
        }
        catch (Exception e) when (e is WeightsException or JsonException or InvalidDataException or IOException)
        {
            var message = e.Message.Split('\n')[0].TrimEnd('\r');
            if (message.StartsWith(path + ": ", StringComparison.Ordinal)) message = message[(path.Length + 2)..];
            return e is JsonException ? $"is not JSON to its end ({message})" : message;
        }
    }

    // The runtime takes a stream that is cut within its frame for a short one; the last four bytes are the length (RFC 1952).
    private static string? GzipFault(string path)
    {
        using var file = File.OpenRead(path);
        using var packed = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
        var buffer = new byte[1 << 16];
        var length = 0L;
        for (int n; (n = packed.Read(buffer)) > 0;) length += n;
        if (file.Length < 18) return $"is cut: {file.Length} bytes";
        file.Seek(-4, SeekOrigin.End);
        file.ReadExactly(buffer, 0, 4);
        return BitConverter.ToUInt32(buffer) is var told && told == (uint)length ? null : $"is cut: {length} bytes unpacked, {told} wanted";
    }

    private static bool IsWeights(string path) => Path.GetExtension(path).ToLowerInvariant() is ".safetensors" or ".bin" or ".pt" or ".pth" or ".ckpt";
}
