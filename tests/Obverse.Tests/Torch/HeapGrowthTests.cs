using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Torch;

public class HeapGrowthTests
{
    [Fact]
    public void What_has_grown_by_an_eighth_goes_back_and_what_is_used_becomes_the_usual()
    {
        long held = 800;
        var (looks, given, used) = (0, 0, 0L);
        var growth = new HeapGrowth(() => { looks++; return held; }, () => { given++; held = Math.Min(held, Math.Max(800, used)); });
        void Steps(int count)
        {
            for (var i = 0; i < count; i++) growth.AfterStep();
        }

        Steps(HeapGrowth.Every - 1);
        Assert.Equal(0, looks);
        Steps(1);
        held = 900;
        Steps(HeapGrowth.Every);
        Assert.Equal(0, given); // an eighth and no more
        held = 1000;
        Steps(HeapGrowth.Every);
        Assert.Equal((1, 800), (given, held));
        held = used = 1200;
        Steps(HeapGrowth.Every);
        Assert.Equal((2, 1200), (given, held)); // all of it is used …
        Steps(4 * HeapGrowth.Every);
        Assert.Equal(2, given); // … and is not tried again
    }
}
