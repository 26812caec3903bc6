namespace Obverse.Torch;

/// <summary>Meta holds shapes and no numbers: what runs there mixes no devices.</summary>
public enum DeviceType { Cpu = 0, Cuda = 1, Meta = 14 }

public readonly record struct Device(DeviceType Type, int Index = -1)
{
    public static Device Cpu => new(DeviceType.Cpu);
    public static Device Cuda(int index = 0) => new(DeviceType.Cuda, index);
    public static Device Meta => new(DeviceType.Meta);

    /// <summary>"cpu", "cuda" or "cuda:1".</summary>
    /// <exception cref="FormatException">Something else.</exception>
    public static Device Parse(string text) => text switch
    {
        "cpu" => Cpu,
        "cuda" => Cuda(),
        _ when text.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(text.AsSpan(5), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var index) && index < 128 => Cuda(index),
        _ => throw new FormatException("cpu, cuda or cuda:N was wanted"),
    };

    /// <summary>This device, if this libtorch supports it.</summary>
    /// <exception cref="NotSupportedException">CUDA, and it has none.</exception>
    public Device Checked() => Type != DeviceType.Cuda || Runtime.HasCuda ? this : throw new NotSupportedException($"the device {this} was given, but libtorch {Runtime.Version} has no CUDA; set OBVERSE_LIBTORCH=DIR to a CUDA build, on a machine with its driver");

    public override string ToString() => Type switch { DeviceType.Cpu => "cpu", DeviceType.Cuda => $"cuda:{Math.Max(0, Index)}", _ => "meta" };
}
