using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[module: SkipLocalsInit]

namespace Obverse.Torch;

/// <summary>
/// The C functions of libtorch 2.10 that are called (torch/csrc/inductor/aoti_torch/c/shim.h, torch/csrc/stable/c/shim.h), as addresses. A handle is an
/// at::Tensor*; unless a line says otherwise a result other than 0 is an error. <see cref="LibTorch.Ensure"/> comes first.
/// </summary>
internal static unsafe class C
{
    // torch_call_dispatcher reads a call in the layout of this release.
    public const ulong Version = 2UL << 56 | 10UL << 48;

    public static readonly delegate* unmanaged<nint, nint, ulong*, ulong, int> Call = (delegate* unmanaged<nint, nint, ulong*, ulong, int>)Find("torch_call_dispatcher");

    public static readonly delegate* unmanaged<nint, nint*, int> Copy = (delegate* unmanaged<nint, nint*, int>)Find("aoti_torch_new_tensor_handle");
    public static readonly delegate* unmanaged<nint, int> Free = (delegate* unmanaged<nint, int>)Find("aoti_torch_delete_tensor_object");
    public static readonly delegate* unmanaged<nint*, int> Undefined = (delegate* unmanaged<nint*, int>)Find("aoti_torch_new_uninitialized_tensor");
    public static readonly delegate* unmanaged<nint, nint, int> Assign = (delegate* unmanaged<nint, nint, int>)Find("aoti_torch_assign_tensors");

    // Reading a field takes nanoseconds: no switch of the garbage collector's mode round it.
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, int*, int> DType = (delegate* unmanaged[SuppressGCTransition]<nint, int*, int>)Find("aoti_torch_get_dtype");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, long*, int> Dims = (delegate* unmanaged[SuppressGCTransition]<nint, long*, int>)Find("aoti_torch_get_dim");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, long*, int> Elements = (delegate* unmanaged[SuppressGCTransition]<nint, long*, int>)Find("aoti_torch_get_numel");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, long**, int> Sizes = (delegate* unmanaged[SuppressGCTransition]<nint, long**, int>)Find("aoti_torch_get_sizes");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, long**, int> Strides = (delegate* unmanaged[SuppressGCTransition]<nint, long**, int>)Find("aoti_torch_get_strides");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, int*, int> DeviceType = (delegate* unmanaged[SuppressGCTransition]<nint, int*, int>)Find("aoti_torch_get_device_type");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, int*, int> DeviceIndex = (delegate* unmanaged[SuppressGCTransition]<nint, int*, int>)Find("aoti_torch_get_device_index");
    public static readonly delegate* unmanaged<nint, byte*, int> IsContiguous = (delegate* unmanaged<nint, byte*, int>)Find("aoti_torch_is_contiguous");
    public static readonly delegate* unmanaged<nint, nint*, int> Data = (delegate* unmanaged<nint, nint*, int>)Find("aoti_torch_get_data_ptr");

    public static readonly delegate* unmanaged<float, nint*, int> Number32 = (delegate* unmanaged<float, nint*, int>)Find("aoti_torch_scalar_to_tensor_float32");
    public static readonly delegate* unmanaged<double, nint*, int> Number64 = (delegate* unmanaged<double, nint*, int>)Find("aoti_torch_scalar_to_tensor_float64");
    public static readonly delegate* unmanaged<long, nint*, int> Whole = (delegate* unmanaged<long, nint*, int>)Find("aoti_torch_scalar_to_tensor_int64");

    /// <summary>self - alpha other. The only operator with a Scalar that has a C function and keeps the graph.</summary>
    public static readonly delegate* unmanaged<nint, nint, double, nint*, int> Subtract = (delegate* unmanaged<nint, nint, double, nint*, int>)Find("aoti_torch_aten_subtract_Tensor");

    public static readonly delegate* unmanaged<nuint, nint*, int> NewList = (delegate* unmanaged<nuint, nint*, int>)Find("torch_new_list_reserve_size");
    public static readonly delegate* unmanaged<nint, ulong, int> Append = (delegate* unmanaged<nint, ulong, int>)Find("torch_list_push_back");
    public static readonly delegate* unmanaged<nint, nuint*, int> ListSize = (delegate* unmanaged<nint, nuint*, int>)Find("torch_list_size");
    public static readonly delegate* unmanaged<nint, nuint, ulong*, int> ListItem = (delegate* unmanaged<nint, nuint, ulong*, int>)Find("torch_list_get_item");
    public static readonly delegate* unmanaged<nint, int> FreeList = (delegate* unmanaged<nint, int>)Find("torch_delete_list");
    public static readonly delegate* unmanaged<byte*, nuint, nint*, int> NewString = (delegate* unmanaged<byte*, nuint, nint*, int>)Find("torch_new_string_handle");

    public static readonly delegate* unmanaged<nint, byte, int> SetRequiresGrad = (delegate* unmanaged<nint, byte, int>)Find("torch_set_requires_grad");
    public static readonly delegate* unmanaged[SuppressGCTransition]<byte> IsGradMode = (delegate* unmanaged[SuppressGCTransition]<byte>)Find("aoti_torch_grad_mode_is_enabled");
    public static readonly delegate* unmanaged[SuppressGCTransition]<byte, void> SetGradMode = (delegate* unmanaged[SuppressGCTransition]<byte, void>)Find("aoti_torch_grad_mode_set_enabled");

    public static readonly delegate* unmanaged<long, long, long, delegate* unmanaged<long, long, nint, void>, nint, int> ParallelFor =
        (delegate* unmanaged<long, long, long, delegate* unmanaged<long, long, nint, void>, nint, int>)Find("torch_parallel_for");
    public static readonly delegate* unmanaged<uint*, int> Threads = (delegate* unmanaged<uint*, int>)Find("torch_get_num_threads");

    // Of libc10 and by C++ names. A TensorImpl* is the first word behind a handle.
    public static readonly delegate* unmanaged<nint, nint> Grad = (delegate* unmanaged<nint, nint>)FindCore(Mangled.Grad);
    public static readonly delegate* unmanaged<nint, nint> MutableGrad = (delegate* unmanaged<nint, nint>)FindCore(Mangled.MutableGrad);
    public static readonly delegate* unmanaged<nint, byte> RequiresGrad = (delegate* unmanaged<nint, byte>)FindCore(Mangled.RequiresGrad);
    public static readonly delegate* unmanaged<int, void> SetThreads = (delegate* unmanaged<int, void>)Find(Mangled.SetNumThreads);
    public static readonly delegate* unmanaged<sbyte, byte> IsAutocast = (delegate* unmanaged<sbyte, byte>)Find(Mangled.IsAutocast);
    public static readonly delegate* unmanaged<sbyte, byte, void> SetAutocast = (delegate* unmanaged<sbyte, byte, void>)Find(Mangled.SetAutocast);
    public static readonly delegate* unmanaged<sbyte, sbyte, void> SetAutocastType = (delegate* unmanaged<sbyte, sbyte, void>)Find(Mangled.SetAutocastType);
    public static readonly delegate* unmanaged<void> ClearAutocast = (delegate* unmanaged<void>)Find(Mangled.ClearAutocast);

    private static nint Find(string function) => NativeLibrary.TryGetExport(LibTorch.Cpu, function, out var address) ? address : FindCore(function);

    private static nint FindCore(string function) => NativeLibrary.TryGetExport(LibTorch.Core, function, out var address) ? address
        : throw new LibTorchException($"{LibTorch.Folder}: this libtorch {LibTorch.Version} has no function {function}; the published build of {LibTorch.Wanted} is wanted");

    public static nint Impl(nint handle) => *(nint*)handle;

    public static void Check(int status, string doing)
    {
        if (status != 0) throw new TorchException($"{doing}: libtorch refused");
    }
}

/// <summary>libtorch refused a call; the message names the operator, and the types and shapes that it was given.</summary>
public sealed class TorchException(string message) : Exception(message);
