using Caisson.Hypervisors;
using Caisson.Linux;
using Caisson.Tests;

namespace Caisson.UnitTests.Hypervisors;

/// <summary>Containers are added to a running machine by mounts below its shared directory: virtiofsd's sandbox must receive them.</summary>
public sealed class LateMountTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("caisson-vm-").FullName;
    private readonly string _share = Directory.CreateTempSubdirectory("caisson-share-").FullName;

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        Directory.Delete(_share, recursive: true);
    }

    [Fact]
    public void A_mount_made_later_in_a_shared_directory_reaches_virtiofsd_and_goes_again()
    {
        string kernel = GuestKernel.Require();
        string late = Directory.CreateDirectory(Path.Combine(_share, "late")).FullName;
        (bool Before, bool During, bool After) seen = default;
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(() => seen = Observe(kernel, late)));
        thread.Start();
        thread.Join();

        Assert.Null(failure);
        Assert.Equal((false, true, false), seen);
    }

    // On a thread of its own, whose mount namespace ends with it: nothing that is mounted here can stay on the host.
    private (bool Before, bool During, bool After) Observe(string kernel, string late)
    {
        NamespaceCalls.Unshare(NamespaceKinds.Mount);
        MountCalls.SetPropagation("/", MountPropagation.Private, recursive: true);
        MountCalls.Mount(_share, _share, null, MountFlags.MS_BIND);
        MountCalls.SetPropagation(_share, MountPropagation.Shared, recursive: false);

        // Both processes are cloned before the first await, and so by this thread.
        IVirtualMachine machine = Start(kernel).GetAwaiter().GetResult();
        int server = ServingProcess(machine.Record.FileServer!.Value.Pid);
        bool before = Sees(server);
        MountCalls.Mount("tmpfs", late, "tmpfs", MountFlags.None);
        bool during = Sees(server);
        MountCalls.Unmount(late, UnmountFlags.MNT_DETACH);
        bool after = Sees(server);
        machine.StopAsync().GetAwaiter().GetResult();
        machine.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return (before, during, after);
    }

    private Task<IVirtualMachine> Start(string kernel)
    {
        var hypervisor = new QemuHypervisor(TestLauncher.Program, QemuInstallation.Find());
        var config = new VmConfig
        {
            Name = "late",
            Accelerator = Accelerator.Tcg,
            Kernel = kernel,
            ExtraKernelParameters = ["panic=0"],
            SharedDirectory = _share,
            Identity = new JailIdentity(100_004, 100_004),
        };
        return hypervisor.StartAsync(config, _directory, CancellationToken.None);
    }

    // virtiofsd's sandbox has a child that serves; it is there once QEMU's device is, which StartAsync has waited for.
    private static int ServingProcess(int pid) =>
        int.Parse(File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]);

    // In the sandbox the shared directory is the root.
    private static bool Sees(int pid) => MountInfo.Read(pid).Any(mount => mount.MountPoint == "/late");
}
