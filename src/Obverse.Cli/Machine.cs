using System.Runtime.InteropServices;

namespace Obverse.Cli;

/// <summary>The machine's name for its processor.</summary>
internal static class Machine
{
    public static string Processor => (File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() : null) ?? RuntimeInformation.ProcessArchitecture.ToString();
}
