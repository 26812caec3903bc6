using Obverse.Files;
using Obverse.Models;

namespace Obverse.Cli;

/// <summary>`--model OWNER/NAME`: a hub's repository, pulled at its first use.</summary>
internal static class PulledModel
{
    /// <returns>The folder with the model.</returns>
    /// <exception cref="HubException">Offline, or the hub does not give it.</exception>
    public static string Pull(HubRepository repository, Screen screen)
    {
        var settings = HubSettings.FromEnvironment();
        try
        {
            var client = new HubClient(settings);
            if (settings.Offline is null) screen.Note($"{repository} is not in the cache: pulling it from {settings.Endpoint.ToString().TrimEnd('/')}");
            using var progress = new PullProgress(screen, json: false);
            var folder = client.Pull(repository, progress: progress.Callback, stop: screen.Stop).GetAwaiter().GetResult().Folder;
            return Zoo.Cached(repository) ?? throw new HubException(HubFault.NoFile, $"{repository}: holds no weights that Obverse reads ({folder})");
        }
        catch (HubException e)
        {
            throw new HubException(e.Fault, $"no model '{repository}': not a folder or file here, not in the zoo, not in the hub's cache {settings.Cache}; {e.Message}; `obverse models pull {repository}` {(e.Fault == HubFault.Offline ? "pulls it when online" : "tries again")}, or copies it from a folder with --mirror DIR", e);
        }
    }
}
