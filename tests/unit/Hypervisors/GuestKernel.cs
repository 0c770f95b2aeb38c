namespace Caisson.UnitTests.Hypervisors;

/// <summary>The guest kernel that <c>./dev build</c> leaves in out/guest.</summary>
internal static class GuestKernel
{
    private static readonly string s_path = Find("out/guest/vmlinux");

    /// <summary>Its path; a test that asks for it is skipped where nothing was built.</summary>
    internal static string Require()
    {
        Assert.SkipUnless(File.Exists(s_path), "needs the guest kernel: ./dev build");
        return s_path;
    }

    private static string Find(string relative)
    {
        for (string? directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "Caisson.slnx")))
            {
                return Path.Combine(directory, relative);
            }
        }

        return "";
    }
}
