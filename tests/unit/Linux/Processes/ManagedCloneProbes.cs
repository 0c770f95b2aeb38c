using System.Globalization;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

/// <summary>Each returns 0 when all is well, and otherwise the number of the check that failed.</summary>
internal static class ManagedCloneProbes
{
    internal static int Run(string name) => name switch
    {
        nameof(ChildResult) => ChildResult(),
        nameof(EscapedException) => EscapedException(),
        nameof(NewNamespaces) => NewNamespaces(),
        nameof(SiblingByParentFlag) => SiblingByParentFlag(),
        nameof(ExecuteInChild) => ExecuteInChild(),
        nameof(ProtectedSelf) => ProtectedSelf(),
        nameof(JoinOwnCgroup) => JoinOwnCgroup(),
        _ => 100,
    };

    internal static int ChildResult()
    {
        for (int i = 0; i < 20; i++)
        {
            using ClonedProcess child = ManagedClone.Run(new CloneRequest(), () =>
            {
                var numbers = new List<string>();
                for (int n = 0; n < 1000; n++)
                {
                    numbers.Add(n.ToString(CultureInfo.InvariantCulture));
                }

                GC.Collect();
                return numbers.Count == 1000 ? 42 : 1;
            });
            if (child.PidFd.Wait().Code != 42)
            {
                return 1;
            }
        }

        return 0;
    }

    internal static int EscapedException()
    {
        using ClonedProcess child = ManagedClone.Run(new CloneRequest(), () => throw new InvalidOperationException("nobody hears"));
        return child.PidFd.Wait().Code == ManagedClone.EscapedExceptionExitCode ? 0 : 1;
    }

    internal static int NewNamespaces()
    {
        var request = new CloneRequest { Flags = CloneFlags.NewPid | CloneFlags.NewUts | CloneFlags.NewNs | CloneFlags.NewIpc | CloneFlags.NewNet };
        using ClonedProcess child = ManagedClone.Run(request, () =>
        {
            HostName.Set("probe");
            return File.ReadAllText("/proc/sys/kernel/hostname") == "probe\n" && ProcessIdOf("self") != 0 ? 0 : 1;
        });
        return child.PidFd.Wait().Code;
    }

    // The grandchild is the probe's own child: what exec into a pid namespace does.
    internal static int SiblingByParentFlag()
    {
        (UnixSocket ours, UnixSocket theirs) = UnixSocket.Pair();
        using ClonedProcess child = ManagedClone.Run(new CloneRequest(), () =>
        {
            using ClonedProcess sibling = ManagedClone.Run(new CloneRequest { Flags = CloneFlags.Parent }, () => 9);
            theirs.Write(BitConverter.GetBytes(sibling.Pid));
            return 0;
        });
        byte[] number = new byte[4];
        _ = ours.Read(number);
        int first = child.PidFd.Wait().Code;
        return first == 0 && ProcessWait.Wait(BitConverter.ToInt32(number)).Code == 9 ? 0 : 1;
    }

    internal static int ExecuteInChild()
    {
        using PreparedExec program = PreparedExec.OfPath("/bin/sh", ["sh", "-c", "exit $CODE"], ["CODE=5"]);
        using ClonedProcess child = ManagedClone.Run(new CloneRequest(), () => (int)program.Execute());
        if (child.PidFd.Wait().Code != 5)
        {
            return 1;
        }

        using PreparedExec missing = PreparedExec.OfPath("/nowhere", ["nowhere"], []);
        using ClonedProcess failing = ManagedClone.Run(new CloneRequest(), () => (int)missing.Execute());
        return failing.PidFd.Wait().Code == (int)Errno.ENOENT ? 0 : 2;
    }

    internal static int ProtectedSelf()
    {
        if (SelfExecutable.IsProtected)
        {
            return 1;
        }

        foreach (FileFd copy in (FileFd[])[SelfExecutable.OpenReadOnlyClone(), SelfExecutable.CopyToSealedMemory()])
        {
            using ClonedProcess child = ManagedClone.Run(new CloneRequest(), () => SelfExecutable.IsProtectedFile(copy) ? 0 : 3);
            if (child.PidFd.Wait().Code != 0)
            {
                return 2;
            }
        }

        return 0;
    }

    internal static int JoinOwnCgroup()
    {
        CgroupLayout layout = CgroupLayout.Discover();
        string path = $"/caisson-test-{System.Environment.ProcessId}";
        Cgroup cgroup = Cgroup.Create(layout, path);
        try
        {
            using DirectoryFd? unified = cgroup.UnifiedDirectory is null ? null : cgroup.OpenUnifiedDirectory();
            using ClonedProcess child = ManagedClone.Run(new CloneRequest { Cgroup = unified }, () =>
            {
                cgroup.JoinAsSingleThread(isInUnified: unified is not null);
                foreach (string line in File.ReadAllLines("/proc/self/cgroup"))
                {
                    bool mounted = line.StartsWith("0::", StringComparison.Ordinal) ? unified is not null : layout.Find(line.Split(':')[1].Split(',')[0]) is not null;
                    if (mounted && !line.EndsWith(path, StringComparison.Ordinal))
                    {
                        return 1;
                    }
                }

                return 0;
            });
            return child.PidFd.Wait().Code;
        }
        finally
        {
            cgroup.Remove();
        }
    }

    private static int ProcessIdOf(string name) =>
        int.Parse(Path.GetFileName(new FileInfo($"/proc/{name}").LinkTarget!), CultureInfo.InvariantCulture);
}
