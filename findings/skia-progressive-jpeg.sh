#!/usr/bin/env bash
# SkiaSharp 4.155.0 with SkiaSharp.NativeAssets.Linux.NoDependencies 4.155.0, Linux x64. SKCodec.GetPixels calls half a JPEG a success.
# Guess:   SKCodecResult.Success means that the picture is whole. Of a baseline JPEG that was cut off the answer is IncompleteInput, and
#          SkiaSharp 3.119.4 said InvalidInput of a progressive one (this script with the argument 3.119.4 shows it).
# Seen:    a 597-byte progressive JPEG was cut to every length that holds its header and lacks some of its codes: 460. GetPixels says
#          Success of 368, all with wrong pixels, and IncompleteInput of 92. StartScanlineDecode says InvalidInput of all 460.
# Obverse: a picture that came half over the network would be inverted or embedded as if it were whole. src/Obverse.Imaging/
#          Jpeg.cs decodes by scanlines and never by GetPixels; a test cuts a progressive file at every length and wants an error each time.
set -euo pipefail
version=${1:-4.155.0}
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
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="SkiaSharp" Version="[$version]" />
    <PackageReference Include="SkiaSharp.NativeAssets.Linux.NoDependencies" Version="[$version]" />
  </ItemGroup>
</Project>
END
cat > Program.cs <<'END'
using System;
using System.Collections.Generic;
using System.Linq;
using SkiaSharp;

// Skia writes no progressive files: a grey 32 x 32 one.
var progressive = Convert.FromBase64String(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//wgALCAAgACABAREA" +
    "/8QAFQABAQAAAAAAAAAAAAAAAAAABQT/2gAIAQEAAAABMURLPURJhUvGmUQC/8QAHhAAAgICAgMAAAAAAAAAAAAAAAMBAgQREiIhMTL/2gAIAQEAAQUCXAuCI6tYL0L0R6yOV6rs" +
    "LsfdchXZexezzwfK9f/EACcQAAEBBQcFAQAAAAAAAAAAAAEAESExYbECEiIyUZGhBBATcYLR/9oACAEBAAY/AsnCycIuuz0TB1Hoi1+BRoo0WFhM0T4yR9unp3Y8bp7BbmRi3KjV" +
    "Rqi6/LVYQ6Rsu2X/xAAjEAEAAgECBgMBAAAAAAAAAAABABEhQVExYYGh4fGRsfDR/9oACAEBAAE/Ifz8p+flCGagzU6sxlxE4zVc/wC8HrgeuMc+hEB85m+oo2vnVQnJ7eJye3ib" +
    "9NERnpUybbklOF2rptB64Hrg1gJSR+zUTh2cV7Z0K11n/9oACAEBAAAAELqe/8QAHhABAAICAgMBAAAAAAAAAAAAAREhADGR8EFRYXH/2gAIAQEAAT8Q04NOCVWLBQj2JW7rNxqV" +
    "iT4kTBppPNDs5yh2c5NUtEtruQIr44pg861EiJAdQx+a049ONBIdcUwQmKS9STiyHrLCAUOhRT0/KHZzlDs5wQm4CA0lUIbl1jFNOmi0JCT3bzcOf//Z");
var layout = new SKImageInfo(32, 32, SKColorType.Gray8, SKAlphaType.Opaque);
using var picture = new SKBitmap(layout);
using (var codec = Open(progressive)) codec.GetPixels(layout, picture.GetPixels());
Cut("progressive", progressive);
Cut("baseline", picture.Encode(SKEncodedImageFormat.Jpeg, 90).ToArray());

SKCodec Open(ReadOnlySpan<byte> file) => SKCodec.Create(SKData.CreateCopy(file));

(SKCodecResult Pixels, SKCodecResult Scanlines, byte[] Bytes)? Read(ReadOnlySpan<byte> file)
{
    using SKCodec codec = Open(file), other = Open(file);
    if (codec is null) return null;   // the header is cut
    using var bitmap = new SKBitmap(layout);
    bitmap.Erase(SKColors.Black);
    return (codec.GetPixels(layout, bitmap.GetPixels()), other.StartScanlineDecode(layout), bitmap.Bytes);
}

void Cut(string name, byte[] file)
{
    var whole = Read(file)!.Value;
    Console.WriteLine($"{name}, whole: GetPixels {whole.Pixels}, StartScanlineDecode {whole.Scanlines}");
    var cuts = Enumerable.Range(0, file.Length - 2).Select(length => Read(file.AsSpan(0, length))).OfType<(SKCodecResult, SKCodecResult, byte[])>();   // 2 bytes: an end that holds nothing
    foreach (var same in cuts.GroupBy(cut => (cut.Item1, cut.Item2)).OrderByDescending(same => same.Count()))
    {
        var wrong = same.Count(cut => !cut.Item3.SequenceEqual(whole.Bytes));
        Console.WriteLine($"{name}, cut: GetPixels {same.Key.Item1}, StartScanlineDecode {same.Key.Item2} of {same.Count()} lengths, {wrong} with wrong pixels");
    }
}
END
cat > expected <<'END'
progressive, whole: GetPixels Success, StartScanlineDecode Success
progressive, cut: GetPixels Success, StartScanlineDecode InvalidInput of 368 lengths, 368 with wrong pixels
progressive, cut: GetPixels IncompleteInput, StartScanlineDecode InvalidInput of 92 lengths, 92 with wrong pixels
baseline, whole: GetPixels Success, StartScanlineDecode Success
baseline, cut: GetPixels IncompleteInput, StartScanlineDecode Success of 384 lengths, 384 with wrong pixels
END
dotnet build --nologo -v quiet -o out > build.log || { cat build.log >&2; exit 2; }
echo "SkiaSharp $version, SkiaSharp.NativeAssets.Linux.NoDependencies $version"
echo "guess: never Success of a file that is cut off"
dotnet out/finding.dll | tee seen
diff expected seen && echo "as described" || { echo "CHANGED: see the lines marked < (described) and > (seen)"; exit 1; }
