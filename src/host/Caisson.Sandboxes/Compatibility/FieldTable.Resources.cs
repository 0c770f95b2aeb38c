namespace Caisson.Sandboxes;

internal static partial class FieldTable
{
    private static Answer OnHost => Answer.As("binds the machine, on the host");
    private static Answer V1Only => Answer.YesWhere("an error where the host limits by cgroup v2, which has no such thing");

    private static FieldRow[] Resources =>
    [
        Row("linux.resources.devices[]", Yes, Answer.YesWhere("in the guest"), Cases, "allow type major minor access"),
        Row("linux.resources.memory.limit", Yes, Answer.As("in the guest; the machine's memory is made to fit, and its processes on the host are limited to that and an overhead"), Cases),
        Row("linux.resources.memory.reservation", Yes, Answer.YesWhere("in the guest"), Cases),
        Row("linux.resources.memory.swap", Yes, Answer.YesWhere("in the guest"), Cases),
        Row("linux.resources.memory.kernel", Answer.No, Answer.No, "FieldTableTests.Refusal_names_field_isolation_and_reason"),
        Row("linux.resources.memory.kernelTCP", V1Only, Answer.No, Cases),
        Row("linux.resources.memory.swappiness", V1Only, OnHost, Cases),
        Row("linux.resources.memory.disableOOMKiller", V1Only, Answer.Partly("false"), Cases),
        Row("linux.resources.memory.useHierarchy", Answer.YesWhere("true; false is an error where the kernel always counts children, as cgroup v2 and Linux 5.11 do"), Answer.Partly("true"), Cases),
        Row("linux.resources.memory.checkBeforeUpdate", Yes, Answer.YesWhere("in the guest"), Cases),
        Row("linux.resources.cpu.shares", Yes, Answer.As("in the guest, and binds the machine on the host"), Cases),
        Row("linux.resources.cpu", Yes, Answer.YesWhere("in the guest; on the host with half a CPU for the machine itself, and it gets as many virtual CPUs as the quota needs"), Cases, "quota period"),
        Row("linux.resources.cpu.burst", Yes, Answer.YesWhere("in the guest and on the host"), Cases),
        Row("linux.resources.cpu", V1Only, Answer.No, Cases, "realtimeRuntime realtimePeriod"),
        Row("linux.resources.cpu", Yes, OnHost, Cases, "cpus mems"),
        Row("linux.resources.cpu.idle", Yes, Answer.YesWhere("in the guest and on the host"), Cases),
        Row("linux.resources.pids.limit", Yes, Answer.YesWhere("in the guest; the machine's own processes on the host have a limit of their own"), Cases),
        Row("linux.resources.blockIO.weight", Answer.YesWhere("where the host's I/O scheduler has weights"), OnHost, ""),
        Row("linux.resources.blockIO.leafWeight", Answer.YesWhere("an error where the kernel has no leaf weights any more (Linux 5.0 and cgroup v2)"), OnHost, ""),
        Row("linux.resources.blockIO.weightDevice[]", Answer.YesWhere("where the host's I/O scheduler has weights"), OnHost, "", "major minor weight leafWeight"),
        Row("linux.resources.blockIO.throttleReadBpsDevice[]", Yes, OnHost, Cases, "major minor rate"),
        Row("linux.resources.blockIO.throttleWriteBpsDevice[]", Yes, OnHost, Cases, "major minor rate"),
        Row("linux.resources.blockIO.throttleReadIOPSDevice[]", Yes, OnHost, Cases, "major minor rate"),
        Row("linux.resources.blockIO.throttleWriteIOPSDevice[]", Yes, OnHost, Cases, "major minor rate"),
        Row("linux.resources.hugepageLimits[]", Answer.YesWhere("with the reservation limit (rsvd) where the kernel has one"), Answer.YesWhere("in the guest, for the page sizes it has, and on the host, where it limits them"), Cases, "pageSize limit"),
        Row("linux.resources.network.classID", Answer.YesWhere("an error where net_cls is not mounted"), Answer.No, Cases),
        Row("linux.resources.network.priorities[]", Answer.YesWhere("an error where net_prio is not mounted"), Answer.No, Cases, "name priority"),
        Row("linux.resources.rdma.{}", Answer.YesWhere("an error where the controller rdma is not mounted"), Answer.No, Cases, "hcaHandles hcaObjects"),
        Row("linux.resources.unified.{}", Answer.YesWhere("an error where the host limits by cgroup v1"), Answer.YesWhere("in the guest, which has cgroup v2; cpuset.* and io.* on the host, and cpu.max on both"), Cases),
    ];
}
