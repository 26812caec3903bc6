using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[module: SkipLocalsInit]

namespace Obverse.Torch;

/// <summary>The C functions of <c>native/obverse_torch</c>.</summary>
internal static unsafe partial class Library
{
    private const string Name = "obverse_torch";

    static Library() => NativeLibrary.SetDllImportResolver(typeof(Library).Assembly, (name, _, _) => name == Name ? Open() : 0);

    /// <summary>Where the shim was found, for `obverse info`.</summary>
    public static string Path { get; private set; } = "";

    [LibraryImport(Name)] public static partial nint ob_error();
    [LibraryImport(Name)] public static partial nint ob_version();
    [LibraryImport(Name)] public static partial nint ob_build();
    [LibraryImport(Name)] public static partial long ob_live();
    [LibraryImport(Name, StringMarshalling = StringMarshalling.Utf8)] public static partial nint ob_op(string name, string overload);
    [LibraryImport(Name)] public static partial nint ob_op_schema(nint op);
    [LibraryImport(Name)] public static partial nint ob_op_arguments(nint op);
    [LibraryImport(Name)] public static partial int ob_call(nint op, NativeValue* args, int count, NativeValue* results, int room);
    [LibraryImport(Name)] public static partial void ob_free(nint tensor);
    [LibraryImport(Name)] public static partial nint ob_from_blob(void* data, int dtype, long* sizes, int dims, delegate* unmanaged<nint, void> release, nint context);
    [LibraryImport(Name)] public static partial nint ob_data(nint tensor);
    [LibraryImport(Name)] public static partial int ob_facts(nint tensor, Facts* facts);
    [LibraryImport(Name)] public static partial int ob_set_requires_grad(nint tensor, int on);
    [LibraryImport(Name)] public static partial nint ob_gradient(nint tensor);
    [LibraryImport(Name)] public static partial int ob_set_gradient(nint tensor, nint gradient);
    [LibraryImport(Name)] public static partial int ob_grad_mode(int on);
    [LibraryImport(Name)] public static partial int ob_autocast(int on);
    [LibraryImport(Name)] public static partial int ob_backward(nint root, nint gradient, int keep);
    [LibraryImport(Name)] public static partial int ob_grad(nint* outputs, int no, nint* inputs, int ni, nint* seeds, int keep, int create, nint* gradients);
    [LibraryImport(Name)] public static partial nint ob_generator(ulong seed);
    [LibraryImport(Name)] public static partial void ob_generator_free(nint generator);
    [LibraryImport(Name)] public static partial int ob_threads(int n);
    [LibraryImport(Name)] public static partial int ob_has_cuda();

    public static string Text(nint utf8) => Marshal.PtrToStringUTF8(utf8) ?? "";

    public static nint Pointer(nint found, string doing) => found != 0 ? found : throw Failure(doing);

    public static void Check(int status, string doing)
    {
        if (status < 0) throw Failure(doing);
    }

    public static TorchException Failure(string doing)
    {
        // libtorch's message may carry a stack and source lines; the first line says what is wrong.
        var message = Text(ob_error()).Trim();
        var end = message.IndexOf("\nException raised from", StringComparison.Ordinal);
        return new TorchException($"{doing}: {(end < 0 ? message : message[..end])}");
    }

    // OBVERSE_NATIVE, beside the program, or .build/ of the repository that the program was built in.
    private static nint Open()
    {
        const string file = "libobverse_torch.so";
        var places = new List<string>();
        if (Environment.GetEnvironmentVariable("OBVERSE_NATIVE") is { Length: > 0 } named) places.Add(named);
        places.AddRange(NativeFiles.Places(file));

        var reasons = "";
        foreach (var place in places.Where(File.Exists))
        {
            try
            {
                var opened = NativeLibrary.Load(place);
                Path = place;
                return opened;
            }
            catch (DllNotFoundException e) { reasons += $" {place}: {e.Message.Split('\n')[0]}"; }
        }

        if (NativeLibrary.TryLoad(Name, Assembly.GetExecutingAssembly(), null, out var library)) return library;
        throw new DllNotFoundException($"libobverse_torch.so was not found in {places[0]} … .build/; run ./obverse once to build it, or set OBVERSE_NATIVE.{reasons}");
    }
}

/// <summary>Mirrors <c>Facts</c> of the shim.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Facts
{
    public int DType, Dims, Device, Index;
    public long Elements;
    public int Contiguous, RequiresGrad;
    public fixed long Sizes[8];
}

/// <summary>libtorch refused a call; the message names the operator and holds libtorch's own words.</summary>
public sealed class TorchException(string message) : Exception(message);
