namespace Obverse.Tests.Encoders;

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("obverse-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
