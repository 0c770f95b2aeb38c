using Caisson.Hypervisors;
using Caisson.Linux;

namespace Caisson.UnitTests.Hypervisors;

/// <summary>The whole command line, as written: a change of it is a decision that a reviewer sees.</summary>
public sealed class QemuCommandLineTests
{
    private static readonly VmConfig s_plain = new()
    {
        Name = "0123456789abcdef",
        Accelerator = Accelerator.Tcg,
        Kernel = "/assets/vmlinux",
        Initrd = "/assets/initrd.img",
        SharedDirectory = "/share",
        Identity = new JailIdentity(100_000, 100_000),
    };

    private const string PlainAppend =
        "-append|quiet console=ttyS0 cryptomgr.notests noreplace-smp no_timer_check rcupdate.rcu_expedited=1 panic=1|";

    private const string MonitorAndConsole =
        "-chardev|socket,id=qmp,fd=4,server=on,wait=off|-mon|chardev=qmp,mode=control|"
        + "-add-fd|fd=5,set=1|-chardev|file,id=console,path=/dev/fdset/1,append=on|-device|isa-serial,chardev=console|";

    private const string Serial =
        "-device|virtio-serial-pci,id=serial|-chardev|socket,id=agent,fd=6,server=on,wait=off|"
        + "-device|virtserialport,bus=serial.0,chardev=agent,name=agent.channel.0|";

    private const string Share =
        "-chardev|socket,id=share,fd=7|-device|vhost-user-fs-pci,queue-size=1024,chardev=share,tag=kataShared|";

    private const string End =
        "-object|rng-builtin,id=entropy|-device|virtio-rng-pci,rng=entropy|"
        + "-sandbox|on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

    [Fact]
    public void Tcg_with_serial_agent_and_shared_files() => Assert.Equal(
        Start("tcg,tb-size=128", "max") + PlainAppend + MonitorAndConsole + Serial + Share + End,
        Join(s_plain));

    [Fact]
    public void Kvm_passes_the_host_processor_on() => Assert.Equal(
        Start("kvm", "host") + PlainAppend + MonitorAndConsole + Serial + Share + End,
        Join(s_plain with { Accelerator = Accelerator.Kvm }));

    [Fact]
    public void Vsock_takes_the_place_of_the_serial_port() => Assert.Equal(
        Start("tcg,tb-size=128", "max") + PlainAppend + MonitorAndConsole + "-device|vhost-vsock-pci,vhostfd=6,guest-cid=4242|" + Share + End,
        Join(s_plain with { Agent = AgentTransport.Vsock, VsockContextId = 4242 }));

    [Fact]
    public void Without_agent_and_shared_files_neither_device_is_there() => Assert.Equal(
        Start("tcg,tb-size=128", "max") + PlainAppend + MonitorAndConsole + End,
        Join(s_plain with { Agent = AgentTransport.None, SharedDirectory = null }));

    [Fact]
    public void Verbose_boot_with_extra_parameters_and_without_initrd() => Assert.Equal(
        Start("tcg,tb-size=128", "max").Replace("-initrd|/assets/initrd.img|", "", StringComparison.Ordinal)
            + "-append|console=ttyS0 cryptomgr.notests noreplace-smp no_timer_check rcupdate.rcu_expedited=1 panic=1 agent.log=debug|" + MonitorAndConsole + Serial + Share + End,
        Join(s_plain with { VerboseBoot = true, Initrd = null, ExtraKernelParameters = ["agent.log=debug"] }));

    [Fact]
    public void Size_is_given_to_machine_and_memory_object_alike()
    {
        string line = Join(s_plain with { Vcpus = 4, MemoryMiB = 1024 });

        Assert.Contains("|-smp|4|-m|1024M|-object|memory-backend-memfd,id=ram,size=1024M,share=on|", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_comma_in_a_name_is_doubled_and_one_in_a_path_is_not()
    {
        string line = Join(s_plain with { Name = "a,b", Kernel = "/as,sets/vmlinux" });

        Assert.Contains("-name|caisson-a,,b|", line, StringComparison.Ordinal);
        Assert.Contains("-kernel|/as,sets/vmlinux|", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Network_cards_take_descriptors_in_order_and_queues_beyond_the_first_take_vectors()
    {
        using var tap = new FileFd();
        VmConfig config = s_plain with { NetworkCards = [new VmNetworkCard("a", "02:00:00:00:00:01", [tap]), new VmNetworkCard("b", "02:00:00:00:00:02", [tap, tap])] };

        Assert.Contains(
            "|-device|pcie-pci-bridge,id=plug"
            + "|-netdev|tap,id=a,fd=16|-device|virtio-net-pci,id=card-a,bus=plug,netdev=a,mac=02:00:00:00:00:01,romfile=,disable-legacy=on"
            + "|-netdev|tap,id=b,fds=17:18|-device|virtio-net-pci,id=card-b,bus=plug,netdev=b,mac=02:00:00:00:00:02,romfile=,disable-legacy=on,mq=on,vectors=6|",
            Join(config), StringComparison.Ordinal);
        Assert.Contains(
            "|-netdev|tap,id=a,fd=16,vhost=on,vhostfd=17|", string.Join('|', QemuCommandLine.Build(config, withVhostNet: true)), StringComparison.Ordinal);
        Assert.Contains(
            "|-netdev|tap,id=b,fds=18:20,vhost=on,vhostfds=19:21|", string.Join('|', QemuCommandLine.Build(config, withVhostNet: true)), StringComparison.Ordinal);
        Assert.Contains("|-device|pcie-pci-bridge,id=plug|", Join(s_plain with { TakesNetworkCards = true }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 256, 3u, "0 vCPUs")]
    [InlineData(289, 256, 3u, "289 vCPUs")]
    [InlineData(1, 64, 3u, "64 MiB")]
    [InlineData(1, 256, 2u, "context id 2 is reserved")]
    public void Impossible_sizes_are_refused_with_the_number(int vcpus, int memory, uint contextId, string expected)
    {
        VmConfig config = s_plain with { Vcpus = vcpus, MemoryMiB = memory, Agent = AgentTransport.Vsock, VsockContextId = contextId };

        HypervisorException refused = Assert.Throws<HypervisorException>(() => QemuCommandLine.Build(config));

        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    private static string Start(string accelerator, string processor) =>
        "-name|caisson-0123456789abcdef|-nodefaults|-no-user-config|-display|none|-no-reboot|"
        + "-M|q35,sata=off,usb=off,smbus=off,vmport=off,hpet=off,memory-backend=ram|"
        + $"-accel|{accelerator}|-cpu|{processor}|-smp|1|-m|256M|-object|memory-backend-memfd,id=ram,size=256M,share=on|"
        + "-kernel|/assets/vmlinux|-initrd|/assets/initrd.img|";

    private static string Join(VmConfig config) => string.Join('|', QemuCommandLine.Build(config));
}
