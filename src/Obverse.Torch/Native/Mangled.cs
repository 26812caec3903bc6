namespace Obverse.Torch;

/// <summary>
/// The few things that libtorch 2.10 exports as C++ only, by the names that compilers give them: Itanium's (Linux, macOS) and Microsoft's. All take and
/// return plain words and throw nothing, so they can be called as if they were C.
/// </summary>
internal static class Mangled
{
    public static string InitLogging => Name("_ZN3c1011initLoggingEv", "?initLogging@c10@@YAXXZ");

    /// <summary>at::Tensor const&amp; c10::TensorImpl::grad() const, of libc10.</summary>
    public static string Grad => Name("_ZNK3c1010TensorImpl4gradEv", "?grad@TensorImpl@c10@@QEBAAEBVTensor@at@@XZ");

    /// <summary>at::Tensor&amp; c10::TensorImpl::mutable_grad(), of libc10.</summary>
    public static string MutableGrad => Name("_ZN3c1010TensorImpl12mutable_gradEv", "?mutable_grad@TensorImpl@c10@@QEAAAEAVTensor@at@@XZ");

    /// <summary>bool c10::TensorImpl::requires_grad() const, of libc10.</summary>
    public static string RequiresGrad => Name("_ZNK3c1010TensorImpl13requires_gradEv", "?requires_grad@TensorImpl@c10@@QEBA_NXZ");

    /// <summary>void at::set_num_threads(int).</summary>
    public static string SetNumThreads => Name("_ZN2at15set_num_threadsEi", "?set_num_threads@at@@YAXH@Z");

    /// <summary>bool at::autocast::is_autocast_enabled(c10::DeviceType); DeviceType is a signed byte.</summary>
    public static string IsAutocast => Name("_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE", "?is_autocast_enabled@autocast@at@@YA_NW4DeviceType@c10@@@Z");

    /// <summary>void at::autocast::set_autocast_enabled(c10::DeviceType, bool).</summary>
    public static string SetAutocast => Name("_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb", "?set_autocast_enabled@autocast@at@@YAXW4DeviceType@c10@@_N@Z");

    /// <summary>void at::autocast::set_autocast_dtype(c10::DeviceType, c10::ScalarType); both signed bytes.</summary>
    public static string SetAutocastType => Name("_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE", "?set_autocast_dtype@autocast@at@@YAXW4DeviceType@c10@@W4ScalarType@4@@Z");

    /// <summary>void at::autocast::clear_cache().</summary>
    public static string ClearAutocast => Name("_ZN2at8autocast11clear_cacheEv", "?clear_cache@autocast@at@@YAXXZ");

    private static string Name(string itanium, string microsoft) => OperatingSystem.IsWindows() ? microsoft : itanium;
}
