using System.Runtime.InteropServices;

namespace Obverse.Cli;

/// <summary>The processor's model name.</summary>
internal static class Cpu
{
    public static string Name => (File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() : null) ?? RuntimeInformation.ProcessArchitecture.ToString();
}
