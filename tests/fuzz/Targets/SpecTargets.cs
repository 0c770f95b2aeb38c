using System.Text;
using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol;
using Caisson.Ttrpc;

namespace Caisson.Fuzz;

/// <summary>config.json: read, judged, written and read again, turned into its protobuf form and back, and planned for.</summary>
internal sealed class ConfigTarget : IFuzzTarget
{
    private const string File = "config.json";

    public string Name => "config";

    public IShape Shape => JsonShape.Instance;

    public IEnumerable<byte[]> Seeds => [SpecSeeds.Rich, SpecWriter.Write(DefaultSpec.Create(rootless: false)), SpecWriter.Write(DefaultSpec.Create(rootless: true)), "{}"u8.ToArray()];

    public IEnumerable<string> Words => SpecSeeds.Words;

    public void Run(byte[] input)
    {
        try
        {
            OciSpec spec = SpecReader.Parse(input, File);
            BrokenPromiseException.Require(spec.Equals(SpecReader.Parse(SpecWriter.Write(spec), File)), "what was written does not read back equal");
            BrokenPromiseException.Require(spec.Equals(SpecReader.Parse(SpecWriter.Write(spec, indented: true), File)), "what was written indented does not read back equal");
            Judge(spec);
            Convert(spec);
            Plan(spec);
        }
        catch (SpecException refused)
        {
            BrokenPromiseException.RequireClear(refused.Message, File);
        }
    }

    private static void Judge(OciSpec spec)
    {
        SpecVerdict verdict = SpecValidator.Validate(spec);
        _ = SpecValidator.Validate(spec, new SpecValidation { Rootless = true, SystemdCgroup = true });
        BrokenPromiseException.Require(verdict is not null, "no verdict");
    }

    private static void Convert(OciSpec spec)
    {
        try
        {
            _ = SpecConverter.FromWire(SpecConverter.ToWire(spec));
        }
        catch (TtrpcException)
        {
            // A number that the protobuf form cannot hold.
        }
    }

    private static void Plan(OciSpec spec)
    {
        try
        {
            var plan = NamespacePlan.From(spec.Linux);
            foreach (OciMount mount in spec.Mounts)
            {
                _ = MountOptions.Parse(mount.Options);
            }

            SysctlCheck.Check(spec.Linux?.Sysctl ?? SpecMap.Empty<string>(), plan);
        }
        catch (ContainerException)
        {
            // In runc's words.
        }
    }
}

/// <summary>process.json of <c>exec --process</c>.</summary>
internal sealed class ProcessTarget : IFuzzTarget
{
    private const string File = "process.json";

    public string Name => "process";

    public IShape Shape => JsonShape.Instance;

    public IEnumerable<byte[]> Seeds => [SpecWriter.Write(SpecReader.Parse(SpecSeeds.Rich, "seed").Process!)];

    public IEnumerable<string> Words => SpecSeeds.Words;

    public void Run(byte[] input)
    {
        try
        {
            OciProcess process = SpecReader.ParseProcess(input, File);
            BrokenPromiseException.Require(process.Equals(SpecReader.ParseProcess(SpecWriter.Write(process), File)), "what was written does not read back equal");
            _ = CapabilityPlan.Of(process.Capabilities, default, static _ => { });
            _ = SpecConverter.FromWire(SpecConverter.ToWire(process));
        }
        catch (SpecException refused)
        {
            BrokenPromiseException.RequireClear(refused.Message, File);
        }
        catch (TtrpcException)
        {
            // A number that the protobuf form cannot hold.
        }
    }
}

/// <summary>resources.json of <c>update</c>, down to what would be written into cgroups.</summary>
internal sealed class ResourcesTarget : IFuzzTarget
{
    private const string File = "resources.json";

    public string Name => "resources";

    public IShape Shape => JsonShape.Instance;

    public IEnumerable<byte[]> Seeds => [SpecWriter.Write(SpecReader.Parse(SpecSeeds.Rich, "seed").Linux!.Resources!)];

    public IEnumerable<string> Words => SpecSeeds.Words;

    public void Run(byte[] input)
    {
        try
        {
            LinuxResources resources = SpecReader.ParseResources(input, File);
            BrokenPromiseException.Require(resources.Equals(SpecReader.ParseResources(SpecWriter.Write(resources), File)), "what was written does not read back equal");
            _ = CgroupConversion.ForCreate(resources);
            _ = CgroupConversion.Limits(resources);
            _ = SpecConverter.FromWire(SpecConverter.ToWire(resources));
        }
        catch (SpecException refused)
        {
            BrokenPromiseException.RequireClear(refused.Message, File);
        }
        catch (Exception refused) when (refused is CgroupException or ContainerException or TtrpcException)
        {
            // Named limits.
        }
    }
}

/// <summary>linux.seccomp, compiled; the program is checked as the kernel checks it.</summary>
internal sealed class SeccompTarget : IFuzzTarget
{
    private const int MaxKernelInstructions = 4096;   // BPF_MAXINSNS

    public string Name => "seccomp";

    public IShape Shape => JsonShape.Instance;

    public IEnumerable<byte[]> Seeds =>
    [
        Encoding.UTF8.GetBytes("""
            {"ociVersion":"1.2.0","linux":{"seccomp":{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],
            "flags":["SECCOMP_FILTER_FLAG_LOG"],"syscalls":[{"names":["read","write","openat","nosuchcall"],"action":"SCMP_ACT_ALLOW"},
            {"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}]},
            {"names":["personality"],"action":"SCMP_ACT_ERRNO","errnoRet":22,"args":[{"index":0,"value":8,"op":"SCMP_CMP_NE"},{"index":5,"value":18446744073709551615,"op":"SCMP_CMP_GT"}]},
            {"names":["mkdir"],"action":"SCMP_ACT_KILL_PROCESS","args":[{"index":1,"value":4294967296,"op":"SCMP_CMP_LE"}]},
            {"names":["mknod"],"action":"SCMP_ACT_NOTIFY"},{"names":["chmod"],"action":"SCMP_ACT_TRAP"},{"names":["chown"],"action":"SCMP_ACT_TRACE"},{"names":["fchown"],"action":"SCMP_ACT_LOG"}]}}}
            """),
    ];

    public IEnumerable<string> Words =>
    [
        .. SpecSeeds.Words, "SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ", "SCMP_ACT_ALLOW",
        "SCMP_ACT_KILL", "SCMP_ACT_NOTIFY", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SECCOMP_FILTER_FLAG_TSYNC", "read", "execve", "clone3", "futex_waitv", "_llseek",
    ];

    public void Run(byte[] input)
    {
        try
        {
            if (SpecReader.Parse(input, "config.json").Linux?.Seccomp is { } seccomp)
            {
                _ = SeccompConversion.Flags(seccomp);
                Check(Seccomp.Compile(SeccompConversion.Profile(seccomp)));
            }
        }
        catch (Exception refused) when (refused is SpecException or ContainerException or ArgumentException { ParamName: "profile" or "condition" })
        {
            // ArgumentException is what Compile documents; the step that calls it makes it runc's "unable to init seccomp".
        }
    }

    // seccomp_check_filter of the kernel's kernel/seccomp.c, and that every path ends.
    private static void Check(SeccompProgram program)
    {
        ReadOnlySpan<BpfInstruction> code = program.Instructions;
        BrokenPromiseException.Require(code.Length is > 0 and <= MaxKernelInstructions, $"{code.Length} instructions");
        for (int at = 0; at < code.Length; at++)
        {
            BpfInstruction now = code[at];
            long furthest = now.Code switch
            {
                0x05 => at + 1L + now.Operand,
                0x15 or 0x25 or 0x35 => at + 1L + Math.Max(now.IfTrue, now.IfFalse),
                0x06 => 0,
                _ => at + 1L,
            };
            BrokenPromiseException.Require(furthest < code.Length, $"instruction {at} leads to {furthest} of {code.Length}");
            BrokenPromiseException.Require(now.Code != 0x20 || (now.Operand < 64 && now.Operand % 4 == 0), $"instruction {at} reads at {now.Operand}");
        }
    }
}
