namespace Caisson.GuestImage;

/// <summary>`caisson guest build`: reads its arguments, builds, and says what it does.</summary>
public static class GuestBuildCommand
{
    private const string Usage = """
        usage: caisson guest build --kernel PATH [--modules DIR] [--agent PATH] [--output DIR]
                                   [--keep-signatures] [--force]

        Makes what a VM boots from: vmlinux (extracted from a distribution's kernel) and initrd.img
        (caisson-agent as /init, with the kernel modules it loads). A second build from the same
        inputs writes nothing.

          --kernel PATH   a bzImage or vmlinux, or the root of an unpacked kernel package
                          (dpkg-deb -x linux-image-...-cloud-amd64_....deb DIR)
          --modules DIR   the kernel's modules, lib/modules/RELEASE (default: from the unpacked package)
          --agent PATH    the static agent (default: caisson-agent beside this executable)
          --output DIR    where to write (default: guest/ beside this executable)
          --keep-signatures
                          leave the modules' signatures in place, for a kernel that refuses others
                          (module.sig_enforce, lockdown). Checking them costs each boot 0.1 s under
                          emulation. Kept by itself where the package's config has MODULE_SIG_FORCE
          --force         build even if nothing has changed
        """;

    /// <param name="args">What follows `guest build`.</param>
    /// <param name="output">Gets the result and help.</param>
    /// <param name="error">Gets progress and errors.</param>
    /// <returns>The exit code: 0, or 1 when nothing was built.</returns>
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error)
    {
        if (new List<string>(args).Exists(static word => word is "--help" or "-h"))
        {
            output.WriteLine(Usage);
            return 0;
        }

        if (!TryParse(args, out GuestImageOptions? options, out string problem))
        {
            error.WriteLine($"caisson guest build: {problem}");
            error.WriteLine("run `caisson guest build --help` for usage");
            return 1;
        }

        try
        {
            GuestImageResult result = GuestImageBuilder.Build(options!, error.WriteLine);
            output.WriteLine($"{result.KernelPath}\n{result.InitrdPath}");
            return 0;
        }
        catch (GuestImageException cause)
        {
            error.WriteLine($"caisson guest build: {cause.Message}");
            return 1;
        }
    }

    private static bool TryParse(IReadOnlyList<string> args, out GuestImageOptions? options, out string problem)
    {
        options = null;
        var values = new Dictionary<string, string>();
        bool force = false;
        bool keepSignatures = false;
        for (int i = 0; i < args.Count; i++)
        {
            (string name, string? value) = SplitAtEquals(args[i]);
            if (name == "--force" && value is null)
            {
                force = true;
                continue;
            }

            if (name == "--keep-signatures" && value is null)
            {
                keepSignatures = true;
                continue;
            }

            if (name is not ("--kernel" or "--modules" or "--agent" or "--output"))
            {
                problem = $"unknown argument {args[i]}";
                return false;
            }

            value ??= ++i < args.Count ? args[i] : null;
            if (string.IsNullOrEmpty(value))
            {
                problem = $"{name} needs a value";
                return false;
            }

            values[name] = value;
        }

        if (!values.TryGetValue("--kernel", out string? kernel))
        {
            problem = "--kernel is missing";
            return false;
        }

        problem = "";
        options = new GuestImageOptions
        {
            KernelImage = kernel,
            ModulesDirectory = values.GetValueOrDefault("--modules"),
            AgentPath = values.GetValueOrDefault("--agent", Path.Combine(AppContext.BaseDirectory, "caisson-agent")),
            OutputDirectory = values.GetValueOrDefault("--output", Path.Combine(AppContext.BaseDirectory, "guest")),
            KeepSignatures = keepSignatures,
            Force = force,
        };
        return true;
    }

    private static (string Name, string? Value) SplitAtEquals(string argument)
    {
        int equals = argument.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (argument, null) : (argument[..equals], argument[(equals + 1)..]);
    }
}
