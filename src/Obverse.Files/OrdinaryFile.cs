using System.Runtime.InteropServices;

namespace Obverse.Files;

/// <summary>Files that have an end. A pipe without a writer is waited for for ever when it is opened, and a device such as /dev/zero never ends.</summary>
public static partial class OrdinaryFile
{
    private const int TypeOfMode = 0xF000, Regular = 0x8000, Folder = 0x4000, Pipe = 0x1000, Socket = 0xC000; // S_IFMT and its values (POSIX, sys/stat.h)

    /// <summary>Why a path is none: "is a pipe", "is a device"; null where it is a file, a folder or nothing at all. Nothing is opened.</summary>
    public static string? Problem(string path)
    {
        if (OperatingSystem.IsWindows()) return null;
        try
        {
            return Stat(Path.GetFullPath(path), out var status) != 0 ? null : (status.Mode & TypeOfMode) switch
            {
                Regular or Folder => null,
                Pipe => "is a pipe",
                Socket => "is a socket",
                _ => "is a device",
            };
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return null; // another runtime, which lays out its own library otherwise
        }
    }

    /// <exception cref="IOException">A pipe, a socket or a device; the message names it.</exception>
    public static string MustBe(string path) => Problem(path) is { } problem ? throw new IOException($"{path}: {problem}; a file was wanted") : path;

    /// <summary>The path, if there is something to read.</summary>
    /// <param name="path">Links are followed.</param>
    /// <param name="what">What it is, for the message: "picture", "bank".</param>
    /// <exception cref="FileNotFoundException">Nothing is there.</exception>
    /// <exception cref="InvalidDataException">Empty, a device or a pipe.</exception>
    public static string Checked(string path, string what)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"{path}: no such {what}");
        var file = new FileInfo(path);
        if (file.LinkTarget is not null) file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
        return Problem(path) is null && file is { Exists: true, Length: > 0 } ? path : throw new InvalidDataException($"{path}: is empty, a device or a pipe; a {what} was wanted");
    }

    // .NET's own shim over stat(2), whose layout is the same on every Unix (dotnet/runtime, src/native/libs/System.Native/pal_io.h); .NET hands out no file type that says pipe or device.
    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_Stat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Stat(string path, out FileStatus status);

    [StructLayout(LayoutKind.Sequential)]
    private struct FileStatus
    {
        public int Flags, Mode;
        public uint User, Group;
        public long Size, Access, AccessNanoseconds, Modified, ModifiedNanoseconds, Changed, ChangedNanoseconds, Born, BornNanoseconds, Device, SpecialDevice, Inode;
        public uint UserFlags;
        private readonly long room0, room1, room2, room3; // were it ever to grow
    }
}
