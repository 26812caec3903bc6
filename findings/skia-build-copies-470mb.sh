#!/usr/bin/env bash
# SkiaSharp 4.155.0 with SkiaSharp.NativeAssets.Linux.NoDependencies 4.155.0. A console program of one line builds to 470 MB.
# Guess:   a build without a runtime identifier holds the library once for each platform: some tens of MB, and no debugging symbols.
# Seen:    470 MB for 17 systems: 13 Linux builds of 9-13 MB, macOS's, and Windows's three, each with a libSkiaSharp.pdb of 89-95 MB,
#          276 MB together. SkiaSharp refers to its Windows and macOS packages itself, so they come to a program for Linux too. With
#          `-r linux-x64` it is 13 MB.
# Obverse: every program and test folder of the repository would be that much larger. Directory.Build.targets leaves out the native files
#          of all platforms but the one that builds. It is not part of our packages: a program that refers to them wants `-r`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > finding.csproj <<'END'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="SkiaSharp" Version="[4.155.0]" />
    <PackageReference Include="SkiaSharp.NativeAssets.Linux.NoDependencies" Version="[4.155.0]" />
  </ItemGroup>
</Project>
END
echo 'System.Console.WriteLine(new SkiaSharp.SKBitmap(1, 1).Width);' > Program.cs

size() { du -cbm "$@" | tail -n 1 | cut -f 1; }
dotnet build --nologo -v quiet -o plain > build.log || { cat build.log >&2; exit 2; }
all=$(size plain) symbols=$(size plain/runtimes/win-*/native/libSkiaSharp.pdb) systems=$(find plain/runtimes -mindepth 1 -maxdepth 1 | wc -l)
rm -rf obj
dotnet build --nologo -v quiet -o own -r linux-x64 --no-self-contained > build.log || { cat build.log >&2; exit 2; }
own=$(size own)
[ "$(dotnet plain/finding.dll) $(dotnet own/finding.dll)" = "1 1" ] || { echo "CHANGED: a program does not run"; exit 1; }

echo "SkiaSharp 4.155.0, SkiaSharp.NativeAssets.Linux.NoDependencies 4.155.0"
echo "guess: tens of MB"
echo "seen: $all MB for $systems systems, of which $symbols MB are Windows's .pdb; with -r linux-x64 $own MB"
if [ "$all" -gt 400 ] && [ "$symbols" -gt 250 ] && [ "$own" -lt 40 ]; then echo "as described"; else echo "CHANGED: more than 400, more than 250 and less than 40 were wanted"; exit 1; fi
