using Caisson.Harness;
using Caisson.Linux;
using Microsoft.Win32.SafeHandles;

namespace Caisson.IntegrationTests.Containers;

/// <summary>
/// What enters a container runs from an executable that cannot be overwritten from inside (CVE-2019-5736). The attack keeps a descriptor
/// of /proc/PID/exe and opens it for writing when the process is another program: a running one is busy for everybody.
/// </summary>
public sealed class ExecutableTests : ContainerTest
{
    [Theory, Isolations]
    public void Executable_behind_a_created_container_cannot_be_written(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        place.Create().CloseInput();
        int pid = (int)place.State()["pid"]!;
        using SafeFileHandle kept = File.OpenHandle($"/proc/{pid}/exe");

        place.Run("start", place.Id).Expect();
        place.Run("delete", "--force", place.Id).Expect();

        Assert.Equal(Errno.EROFS, TryWrite(kept));
    }

    [Theory, Isolations]
    public void Executable_behind_an_exec_cannot_be_written(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach().CloseInput();
        int init = (int)place.State()["pid"]!;

        // The last step into the container's program is held up, so that there is time to look.
        RunningCommand exec = RunningCommand.Start(
            "/usr/bin/strace",
            ["-f", "-o", "/dev/null", "-e", "trace=execve,write", "-e", "inject=execve:delay_enter=700000", Executable.Path, .. place.Globals, "exec", place.Id, "sleep", "3"]);
        SafeFileHandle? kept = null;
        Deadline.Wait("a process of the exec in the container", () => (kept = OpenEntering(place.Id, init)) is not null);
        exec.CloseInput().Wait().Expect();
        place.Run("delete", "--force", place.Id).Expect();

        using (kept)
        {
            Assert.Equal(Errno.EROFS, TryWrite(kept!));
        }
    }

    // Dumpable processes are open to every process of the container with the same user: their memory, descriptors and executable.
    [Theory, Isolations]
    public void Process_that_waits_to_be_the_container_is_not_dumpable(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        place.Create().CloseInput();
        int pid = (int)place.State()["pid"]!;

        Assert.False(CanTrace(pid));

        place.Run("start", place.Id).Expect();
        if (isolation == Isolation.Namespaces)
        {
            // The workload may be: so the look is one that sees.
            Deadline.Wait("the workload", () => CanTrace(pid));
        }
        else
        {
            Assert.False(CanTrace(pid));    // the keeper, which stays
        }

        place.Run("delete", "--force", place.Id).Expect();
    }

    private static SafeFileHandle? OpenEntering(string id, int init)
    {
        foreach (ProcessEntry process in ProcessTable.Descendants(ProcessTable.Read()))
        {
            string path = $"/proc/{process.Pid}/exe";
            try
            {
                if (process.Pid != init && !process.IsZombie
                    && SameNamespace(process.Pid, init) && ProcessTable.Text($"/proc/{process.Pid}/cgroup").Contains(id, StringComparison.Ordinal)
                    && new FileInfo(path).LinkTarget is { } target && !target.EndsWith("/busybox", StringComparison.Ordinal))
                {
                    return File.OpenHandle(path);
                }
            }
            catch (IOException)
            {
                // Gone meanwhile.
            }
        }

        return null;
    }

    private static bool SameNamespace(int pid, int other) =>
        new FileInfo($"/proc/{pid}/ns/mnt").LinkTarget is { } mounts && mounts == new FileInfo($"/proc/{other}/ns/mnt").LinkTarget;

    private static Errno TryWrite(SafeFileHandle kept)
    {
        bool written = FileCalls.TryOpen($"/proc/self/fd/{kept.DangerousGetHandle()}", OpenFlags.O_WRONLY, out FileFd file, out Errno why);
        using (file)
        {
            return written ? Errno.None : why;
        }
    }

    // As root of the container without CAP_SYS_PTRACE, which may trace what is dumpable and has no more capabilities (ptrace(2)).
    private static bool CanTrace(int pid)
    {
        RunningCommand look = RunningCommand.Start("/usr/bin/setpriv", ["--bounding-set", "-sys_ptrace", "readlink", $"/proc/{pid}/exe"]);
        return look.CloseInput().Wait().ExitCode == 0;
    }
}
