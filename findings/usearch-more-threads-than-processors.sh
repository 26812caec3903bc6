#!/usr/bin/env bash
# Cloud.Unum.USearch 2.26.6, Linux x64. Of searches on more threads than there are processors, most fail.
# Guess:   an index can be searched by any number of threads (its documentation: concurrent reads are safe); those above what it has room
#          for wait.
# Seen:    it has as many places as there are processors; a search that finds none free fails at once, with the message "Reserve capacity
#          ahead of searches!", and adding rows does the same with "... ahead of insertions!". Capacity is not what is missing, and the C#
#          class has no call that makes more places (usearch_change_threads_search of the C functions does).
# Obverse: a batch of queries would fail on a busy server. src/Obverse.Retrieval/Search/HnswIndex.cs makes room for its own threads after every
#          usearch_reserve (which takes it away again) and lets one batch in at a time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > finding.csproj <<END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <RuntimeIdentifier>linux-x64</RuntimeIdentifier>
    <SelfContained>false</SelfContained>
    <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Cloud.Unum.USearch" Version="[2.26.6]" />
  </ItemGroup>
</Project>
END
cat > Program.cs <<'END'
using System;
using System.Linq;
using System.Threading;
using Cloud.Unum.USearch;

using var index = new USearchIndex(MetricKind.Ip, ScalarKind.Float32, 64);
var random = new Random(1);
float[] Row() => Enumerable.Range(0, 64).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
for (ulong row = 0; row < 2000; row++) index.Add(row, Row());
var query = Row();
Try(1);
Try(8 * Environment.ProcessorCount);

void Try(int count)
{
    var (failed, message) = (0, "");
    var threads = Enumerable.Range(0, count).Select(_ => new Thread(() =>
    {
        for (var i = 0; i < 300; i++)
        {
            try { index.Search(query, 10, out ulong[] keys, out float[] distances); }
            catch (Exception e) { Interlocked.Increment(ref failed); message = e.Message; }
        }
    })).ToArray();
    foreach (var thread in threads) thread.Start();
    foreach (var thread in threads) thread.Join();
    Console.Error.WriteLine($"  {failed} of {300 * count} failed on {count} threads, {Environment.ProcessorCount} processors");
    Console.WriteLine($"{(count == 1 ? "one thread" : "eight threads a processor")}: {(failed == 0 ? "all found" : $"SOME FAILED: {message}")}");
}
END
cat > expected <<'END'
one thread: all found
eight threads a processor: SOME FAILED: USearch operation failed: Reserve capacity ahead of searches!
END
dotnet build --nologo -v quiet -o out > build.log || { cat build.log >&2; exit 2; }
echo "Cloud.Unum.USearch 2.26.6"
echo "guess: all searches find, some wait"
dotnet out/finding.dll | tee seen
diff expected seen && echo "as described" || { echo "CHANGED: see the lines marked < (described) and > (seen)"; exit 1; }
