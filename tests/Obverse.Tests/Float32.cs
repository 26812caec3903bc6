using System.Runtime.CompilerServices;
using Obverse.Torch;

namespace Obverse.Tests;

/// <summary>Float32 is what references and tolerances are of, on every processor; tests of bfloat16 ask for it.</summary>
internal static class Float32
{
    [ModuleInitializer]
    public static void Everywhere()
    {
        Environment.SetEnvironmentVariable(Precisions.Variable, "fp32"); // for programs that tests start
        Precisions.AutoOnProcessor = Precision.Float32;
    }
}
