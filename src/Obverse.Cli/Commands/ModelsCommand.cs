using System.CommandLine;

namespace Obverse.Cli.Commands;

/// <summary>`obverse models`: published weights.</summary>
internal static class ModelsCommand
{
    public static Command Create(Screen screen) => new("models", "Published weights: convert them.") { ModelsConvertCommand.Create(screen) };
}
