using System.Text;
using Caisson.Oci;

namespace Caisson.UnitTests.Oci;

public sealed class SpecReaderCostTests
{
    [Fact]
    public void Reading_allocates_little_more_than_the_model()
    {
        byte[] document = SpecWriter.Write(DefaultSpec.Create(rootless: false));
        SpecReader.Parse(document, "config.json");
        long before = GC.GetAllocatedBytesForCurrentThread();

        SpecReader.Parse(document, "config.json");

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 8 * document.Length, $"{allocated} bytes for a document of {document.Length}");
    }

    [Fact]
    public void Large_seccomp_profile_is_read_whole()
    {
        var names = new StringBuilder("\"a0\"");
        for (int i = 1; i < 20000; i++)
        {
            names.Append(",\"a").Append(i).Append('"');
        }
        string json = "{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[" + names + "],\"action\":\"SCMP_ACT_ALLOW\"}]}}}";

        OciSpec spec = SpecReader.Parse(Encoding.UTF8.GetBytes(json), "config.json");

        Assert.Equal(20000, spec.Linux!.Seccomp!.Syscalls[0].Names.Count);
    }
}
