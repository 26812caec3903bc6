using Obverse.Jobs;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>Models for commands: remarks and the progress of pulls go to the screen.</summary>
internal static class CliModels
{
    public static Workshop Workshop(Screen screen, int? threads = null, Device? device = null, Precision? precision = null) =>
        new() { Threads = threads, Device = device, Precision = precision ?? Precision.Auto, OnRemark = screen.Note, Pull = repository => PulledModel.Pull(repository, screen) };

    /// <inheritdoc cref="LoadedModel.Find"/>
    public static string Find(string name, Screen screen) => LoadedModel.Find(name, repository => PulledModel.Pull(repository, screen));

    /// <inheritdoc cref="LoadedModel.Open"/>
    public static LoadedModel Open(Screen screen, string name, int? threads = null, bool reads = true, bool sees = true, Device? device = null, Precision? precision = null) =>
        LoadedModel.Open(name, Workshop(screen, threads, device, precision), reads, sees);
}
