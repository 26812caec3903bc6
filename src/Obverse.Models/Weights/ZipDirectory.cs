using System.Buffers.Binary;
using System.Text;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>A member of a zip: where its bytes are, packed or not.</summary>
internal sealed record ZipMember(string Name, bool IsDeflated, long At, long Packed, long Length);

/// <summary>
/// The list of a zip's members (APPNOTE.TXT 4.3), ZIP64 too, believed only where it agrees with itself, with the members' own headers and with the
/// file's length. .NET's ZipArchive trusts more of it and gives no place in the file, which tensors over mapped pages need. Checksums are not
/// looked at, as PyTorch does not either: it can be asked to write none.
/// </summary>
internal sealed class ZipDirectory
{
    private readonly MappedBytes file;
    private readonly Dictionary<string, ZipMember> members = [];

    private ZipDirectory(MappedBytes file) => this.file = file;

    public static IReadOnlyDictionary<string, ZipMember> Read(MappedBytes file)
    {
        var zip = new ZipDirectory(file);
        zip.ReadMembers();
        return zip.members;
    }

    private void ReadMembers()
    {
        var (count, at, end) = FindDirectory();
        var spans = new List<(long From, long To)>();
        for (var i = 0L; i < count; i++)
        {
            if (end - at < 46 || Number(at, 4) != 0x02014b50) throw Bad($"member {i} of {count} is not in its directory");
            var (flags, method, packed, length) = (Number(at + 8, 2), Number(at + 10, 2), Number(at + 20, 4), Number(at + 24, 4));
            var (nameLength, extraLength, commentLength, local) = ((int)Number(at + 28, 2), (int)Number(at + 30, 2), (int)Number(at + 32, 2), Number(at + 42, 4));
            if (end - at - 46 < nameLength + extraLength + commentLength) throw Bad($"member {i} of {count} is not in its directory");
            var rawName = file.Span(at + 46, nameLength);
            var name = Encoding.UTF8.GetString(rawName);
            Widen(at + 46 + nameLength, extraLength, ref length, ref packed, ref local);
            at += 46 + nameLength + extraLength + commentLength;

            if ((flags & 1) != 0 || method is not (0 or 8)) throw Bad($"member '{TensorResolver.Shown(name)}' is {((flags & 1) != 0 ? "encrypted" : $"packed by method {method}")}, wanted stored or deflated");
            if (local < 0 || local > file.Length - 30 || Number(local, 4) != 0x04034b50) throw Bad($"member '{TensorResolver.Shown(name)}' is not at byte {(ulong)local}");
            var data = local + 30 + Number(local + 26, 2) + Number(local + 28, 2);
            if (Number(local + 8, 2) != method || Number(local + 26, 2) != nameLength || data > file.Length || !file.Span(local + 30, nameLength).SequenceEqual(rawName)) throw Bad($"member '{TensorResolver.Shown(name)}' is another at its place");
            if (packed < 0 || length < 0 || packed > file.Length - data) throw Bad($"member '{TensorResolver.Shown(name)}' says that it is {(ulong)packed} bytes long, {file.Length - data} are left");
            if (method == 0 ? packed != length : length > 1100 * packed + 64) throw Bad($"member '{TensorResolver.Shown(name)}' cannot be {length} bytes, packed in {packed}"); // deflate packs 1032 to 1 at best
            if (!members.TryAdd(name, new(name, method == 8, data, packed, length))) throw Bad($"two members are called '{TensorResolver.Shown(name)}'");
            spans.Add((local, data + packed));
        }

        spans.Sort();
        for (var i = 1; i < spans.Count; i++)
        {
            if (spans[i].From < spans[i - 1].To) throw Bad("its members overlap");
        }
    }

    // The end record is found from the file's end backwards: behind it is only its comment.
    private (long Count, long At, long End) FindDirectory()
    {
        for (var at = file.Length - 22; at >= Math.Max(0, file.Length - 22 - 65535); at--)
        {
            if (Number(at, 4) != 0x06054b50 || Number(at + 20, 2) != file.Length - at - 22) continue;
            var (disk, count, size, start, end) = (Number(at + 4, 2), Number(at + 10, 2), Number(at + 12, 4), Number(at + 16, 4), at);
            if (at >= 20 && Number(at - 20, 4) == 0x07064b50)
            {
                end = Number(at - 12, 8);
                if (end < 0 || end > at - 20 - 56 || Number(end, 4) != 0x06064b50) throw Bad("its ZIP64 end record is not where it should be");
                var (wideCount, wideSize, wideStart) = (Number(end + 32, 8), Number(end + 40, 8), Number(end + 48, 8));
                if ((count != 0xFFFF && count != wideCount) || (size != 0xFFFFFFFF && size != wideSize) || (start != 0xFFFFFFFF && start != wideStart)) throw Bad("its two end records differ");
                (count, size, start) = (wideCount, wideSize, wideStart);
            }

            if (disk is not (0 or 0xFFFF)) throw Bad("it is one of several disks");
            if (count < 0 || size < 0 || start < 0 || start > end || size > end - start || count > size / 46) throw Bad($"its directory of {(ulong)count} members and {(ulong)size} bytes at {(ulong)start} is not in the file");
            return (count, start, start + size);
        }

        throw Bad("it is cut off: its directory is missing");
    }

    // Fields that are full are in the ZIP64 extra, in this order.
    private void Widen(long at, int length, ref long size, ref long packed, ref long local)
    {
        for (var end = at + length; end - at >= 4;)
        {
            var (id, room) = (Number(at, 2), Number(at + 2, 2));
            at += 4;
            if (room > end - at) return;
            if (id == 1)
            {
                var from = at;
                void Take(ref long field)
                {
                    if (field != 0xFFFFFFFF || from + 8 > at + room) return;
                    field = Number(from, 8);
                    from += 8;
                }

                Take(ref size);
                Take(ref packed);
                Take(ref local);
                return;
            }

            at += room;
        }
    }

    private long Number(long at, int bytes)
    {
        var span = file.Span(at, bytes);
        return bytes switch { 2 => BinaryPrimitives.ReadUInt16LittleEndian(span), 4 => BinaryPrimitives.ReadUInt32LittleEndian(span), _ => BinaryPrimitives.ReadInt64LittleEndian(span) };
    }

    private WeightsException Bad(string why) => new($"{file.Name}: a zip that cannot be read: {why}");
}
