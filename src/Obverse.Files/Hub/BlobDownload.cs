using System.Diagnostics;

namespace Obverse.Files;

/// <summary>
/// One file into blobs/: under its lock, into NAME.incomplete from where an earlier try stopped, checked by size and hash, renamed. What fails the
/// check is deleted; what was cut off stays for the next try.
/// </summary>
internal sealed class BlobDownload(HubCache cache, IHubSource source, HubWire wire, HubSettings settings, HubProgress progress)
{
    private bool warnedOfSizes;

    /// <returns>The blob's name.</returns>
    public async Task<string> Fetch(HubRepository repository, HubFile file, CancellationToken stop)
    {
        progress.Expect(file.Name, file.Size);
        var what = $"{repository}: {file.Name}";
        using var held = await HubLock.Take(cache.LockFile(repository, file.Key), () => progress.Say($"{file.Name}: another process pulls it; waiting"), stop).ConfigureAwait(false);
        if (file.Hash is { } known && new FileInfo(cache.Blob(repository, known)) is { Exists: true } there && (file.Size is null || there.Length == file.Size))
        {
            progress.At(file.Name, there.Length, 0);
            return known;
        }

        if (file.Hash is null && !Interlocked.Exchange(ref warnedOfSizes, true)) progress.Say($"{repository}: {source.Name} gives no hashes: only sizes are checked");
        var incomplete = cache.Blob(repository, file.Key) + ".incomplete";
        MustHaveRoom(file, incomplete);
        for (var again = false; ; again = true)
        {
            var had = new FileInfo(incomplete) is { Exists: true } half ? half.Length : 0;
            await Fill(repository, file, incomplete, what, stop).ConfigureAwait(false);
            var hash = await Task.Run(() => file.Hash is null ? BlobHash.Sha256(incomplete, stop) : BlobHash.Like(file.Hash, incomplete, stop), stop).ConfigureAwait(false);
            if (file.Hash is null || hash == file.Hash)
            {
                File.Move(incomplete, cache.Blob(repository, hash), overwrite: true);
                return hash;
            }

            File.Delete(incomplete);
            if (had > 0 && !again) continue; // the half from before may be what is wrong
            throw new HubException(HubFault.Untrustworthy, $"{what}: its {(hash.Length == 64 ? "SHA-256" : "git SHA-1")} is {hash[..12]}…, the hub says {file.Hash[..12]}…; what came was deleted");
        }
    }

    private async Task Fill(HubRepository repository, HubFile file, string incomplete, string what, CancellationToken stop)
    {
        await using var half = new FileStream(incomplete, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, 1);
        var (from, best) = (file, half.Length);
        try
        {
            await wire.Try(async () =>
            {
                if (file.Size < half.Length) half.SetLength(0);
                if (file.Size == half.Length) return true;
                using var body = await From(half.Length).ConfigureAwait(false);
                if (body.Length is { } coming && file.Size is { } size && body.Offset + coming != size) throw new HubException(HubFault.Untrustworthy, $"{what}: {body.Offset + coming} bytes are offered where {size} were promised; nothing of them was kept");
                half.SetLength(body.Offset);
                half.Position = body.Offset;
                await Copy(body, half, file, what, stop).ConfigureAwait(false);
                return file.Size is null || half.Length == file.Size ? true : throw new HubException(HubFault.Connection, $"{what}: the answer ended after {half.Length} of {file.Size} bytes");
            }, stop, () => best = Math.Max(best, half.Length)).ConfigureAwait(false);
            half.Flush(flushToDisk: true);
        }
        catch when (half.Length == 0)
        {
            File.Delete(incomplete);
            throw;
        }

        // The address of a large file is signed for a while: where it is refused, a new one is asked for, once. 416: nothing of ours is of use there.
        async Task<HubBody> From(long offset)
        {
            try
            {
                return await source.Open(repository, from, offset, stop).ConfigureAwait(false) ?? await source.Open(repository, from, 0, stop).ConfigureAwait(false) ?? throw new HubException(HubFault.Refused, $"{what}: the server does not send it from its start");
            }
            catch (HubException e) when (e.Fault == HubFault.Refused && !file.IsTrusted && ReferenceEquals(from, file))
            {
                from = await source.Head(repository, file.Name, null, stop).ConfigureAwait(false);
                if (from.Hash != file.Hash) throw new HubException(HubFault.Untrustworthy, $"{what}: changed at the hub while it was pulled; pull again", e);
                return await source.Open(repository, from, offset, stop).ConfigureAwait(false) ?? throw new HubException(HubFault.Refused, $"{what}: the server does not send the rest of it", e);
            }
        }
    }

    private async Task Copy(HubBody body, FileStream half, HubFile file, string what, CancellationToken stop)
    {
        var buffer = new byte[1 << 17];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var (watch, gained) = (Stopwatch.StartNew(), 0L);
        while (true)
        {
            int came;
            try
            {
                patience.CancelAfter(settings.Patience);
                came = await body.Stream.ReadAsync(buffer, patience.Token).ConfigureAwait(false);
                patience.CancelAfter(Timeout.InfiniteTimeSpan);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                throw new HubException(HubFault.Connection, $"{what}: nothing came for {settings.Patience.TotalSeconds:0.##} s, after {half.Length} bytes");
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                throw new HubException(HubFault.Connection, $"{what}: {HubWire.Reason(e)} after {half.Length} bytes", e);
            }

            if (came == 0) return;
            if (half.Length + came > file.Size)
            {
                half.SetLength(0); // deleted by Fill
                throw new HubException(HubFault.Untrustworthy, $"{what}: more than the {file.Size} bytes that were promised came; what came was deleted");
            }

            half.Write(buffer, 0, came); // a full disk is an IOException of its own: not the line's fault
            progress.At(file.Name, half.Length, came);
            gained += came;
            if (watch.Elapsed < settings.LongPatience) continue;
            // A byte now and then is no line: each would be waited for, and the file never come.
            if (gained < watch.Elapsed.TotalSeconds * settings.LeastSpeed) throw new HubException(HubFault.Connection, $"{what}: {gained} bytes came in {watch.Elapsed.TotalSeconds:0.##} s, which is too slow, after {half.Length} bytes");
            gained = 0;
            watch.Restart();
        }
    }

    private void MustHaveRoom(HubFile file, string incomplete)
    {
        if (file.Size is not { } size) return;
        long free;
        try
        {
            free = new DriveInfo(Path.GetDirectoryName(incomplete)!).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return;
        }

        var need = size - (File.Exists(incomplete) ? new FileInfo(incomplete).Length : 0);
        if (need > free) throw new IOException($"{file.Name}: {need} bytes are wanted in {cache.Folder}, {free} are free");
    }
}
