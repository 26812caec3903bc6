using Obverse.Files;
using Xunit;

namespace Obverse.Tests.Hub;

public class FileNamesTests
{
    [Theory]
    [InlineData("A fox | watercolour:0.4", "a-fox-watercolour-0-4")]
    [InlineData("  --Ünïcode ÉTÉ 7!", "ünïcode-été-7")]
    [InlineData("../../etc/passwd", "etc-passwd")]
    [InlineData("?!", "picture")]
    [InlineData("", "picture")]
    public void Text_becomes_a_name_of_letters_digits_and_dashes(string text, string name) => Assert.Equal(name, FileNames.Slug(text));

    [Fact]
    public void A_long_text_is_cut_and_does_not_end_in_a_dash()
    {
        Assert.Equal(new string('a', 60), FileNames.Slug(new string('a', 500)));
        Assert.Equal("abc", FileNames.Slug("abc def", most: 4));
    }
}
