using System.Diagnostics;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux.Namespaces;

public sealed class NamespaceTests
{
    [Theory]
    [InlineData(NamespaceKinds.Uts)]
    [InlineData(NamespaceKinds.Ipc)]
    [InlineData(NamespaceKinds.Network)]
    public void Thread_leaves_and_returns(NamespaceKinds kind) => Scratch.OnThread(() =>
    {
        using NamespaceFd before = NamespaceFd.OfThisThread(kind);
        NamespaceCalls.Unshare(kind);
        using NamespaceFd fresh = NamespaceFd.OfThisThread(kind);

        Assert.Equal(kind, fresh.Kind);
        Assert.False(NamespaceCalls.AreSame(before, fresh));
        before.Join(kind);
        using NamespaceFd back = NamespaceFd.OfThisThread(kind);
        Assert.True(NamespaceCalls.AreSame(before, back));
    });

    [Fact]
    public void Namespace_of_another_kind_is_refused() => Scratch.OnThread(() =>
    {
        using NamespaceFd uts = NamespaceFd.OfThisThread(NamespaceKinds.Uts);

        Assert.False(NamespaceCalls.TryJoin(uts, NamespaceKinds.Network, out Errno why));
        Assert.Equal(Errno.EINVAL, why);
        using NamespaceFd owner = uts.OwningUserNamespace();
        Assert.Equal(NamespaceKinds.User, owner.Kind);
    });

    [Fact]
    public void Ordinary_file_is_no_namespace()
    {
        using NamespaceFd file = NamespaceFd.Open("/etc/passwd");

        Assert.Equal(Errno.ENOTTY, Assert.Throws<SyscallException>(() => file.Kind).Errno);
    }

    [Fact]
    public void User_namespace_is_mapped_and_maps_a_mount()
    {
        using Process child = Process.Start(new ProcessStartInfo("unshare", "--user cat") { RedirectStandardInput = true })!;
        try
        {
            AwaitOwnUserNamespace(child.Id);
            IdMap.DenySetGroups(child.Id);
            IdMap.WriteUserMap(child.Id, [new IdMap(0, 100_000, 10), new IdMap(10, 200_000, 5)]);
            IdMap.WriteGroupMap(child.Id, [new IdMap(0, 100_000, 10)]);

            Assert.Contains("200000", File.ReadAllText($"/proc/{child.Id}/uid_map"));
            using var scratch = new Scratch();
            using NamespaceFd users = NamespaceFd.OfProcess(child.Id, NamespaceKinds.User);
            using MountFd tree = MountCalls.OpenTree(scratch.Root);
            bool mapped = MountCalls.TrySetAttributes(tree, 0, 0, MountPropagation.Unchanged, false, users, out Errno why);
            Assert.True(mapped || why == Errno.EINVAL, $"{why}: only a file system without id-mapped mounts may refuse");
            if (mapped)
            {
                Assert.Equal(100_000u, FileCalls.Stat(tree).UserId);
            }
        }
        finally
        {
            child.StandardInput.Close();
            child.WaitForExit();
        }
    }

    [Fact]
    public void Too_many_ranges_are_refused_before_the_kernel_is_asked() =>
        Assert.Contains("340", Assert.Throws<SyscallException>(() => IdMap.WriteUserMap(1, new IdMap[341])).Message);

    private static void AwaitOwnUserNamespace(int pid)
    {
        using NamespaceFd ours = NamespaceFd.OfThisThread(NamespaceKinds.User);
        bool separate = SpinWait.SpinUntil(
            () =>
            {
                using NamespaceFd theirs = NamespaceFd.OfProcess(pid, NamespaceKinds.User);
                return !NamespaceCalls.AreSame(ours, theirs);
            },
            TimeSpan.FromSeconds(10));
        Assert.True(separate, "the child made no user namespace within 10 s");
    }
}
