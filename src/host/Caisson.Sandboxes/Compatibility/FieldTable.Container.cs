namespace Caisson.Sandboxes;

internal static partial class FieldTable
{
    private static FieldRow[] Container =>
    [
        Both("ociVersion", "SpecValidatorTests.Broken_rule_is_the_first_error"),
        Row("root.path", Yes, Answer.As("shared with the guest by virtiofs"), "RunTests.Output_errors_and_exit_code_are_the_commands"),
        Both("root.readonly", Seen + "Read_only_root"),
        Both("mounts[].destination", Seen + "Mount_point_behind_a_symbolic_link_stays_inside"),
        Row("mounts[].type", Yes, Answer.Partly("bind mounts are shared by virtiofs; file systems that a kernel makes up itself (proc, sysfs, tmpfs, devpts, mqueue, cgroup and the like) are the guest's"), Cases),
        Row("mounts[].source", Yes, Answer.As("a bind's source is opened on the host and shared; a bind at /dev/shm becomes a tmpfs of the guest, because memory is not shared with another kernel, and a bind of /proc at /proc or /sys at /sys the guest's own"), Seen + "Read_only_bind_mount"),
        Row("mounts[].options", Answer.YesWhere("also recursive ones (rro, rnosuid, …), tmpcopyup, idmap, ridmap and propagation; options that only a whole file system has (sync, dirsync, lazytime, …) mean nothing to the kernel on a bind, and a warning says so"), Answer.Partly("as in namespaces; propagation stays within the guest"), Cases),
        Row("mounts[].uidMappings[]", Answer.YesWhere("where the file system can be id-mapped"), Answer.As("the mount is id-mapped on the host before it is shared"), Cases, "containerID hostID size"),
        Row("mounts[].gidMappings[]", Answer.YesWhere("where the file system can be id-mapped"), Answer.As("the mount is id-mapped on the host before it is shared"), Cases, "containerID hostID size"),
        Both("hostname", Seen + "Host_and_domain_name"),
        Both("domainname", Seen + "Host_and_domain_name"),
        Row("annotations.{}", Answer.YesWhere("shown in the state; io.caisson.isolation counts where the configuration allows it"), Answer.YesWhere("as in namespaces; also io.caisson.network and its rates (docs/network.md)"), "HookTests.Hooks_run_in_order_and_get_the_state"),
    ];

    private static FieldRow[] Process =>
    [
        Both("process.terminal", "TerminalTests.Terminal_goes_to_the_console_socket"),
        Both("process.consoleSize", "RunTests.Terminal_is_controlling_owned_by_the_user_and_also_the_console", "height width"),
        Both("process.cwd", Seen + "Working_directory_and_environment"),
        Both("process.env", Seen + "Working_directory_and_environment"),
        Both("process.args", "RunTests.Output_errors_and_exit_code_are_the_commands"),
        Both("process.user", Seen + "User_groups_and_umask", "uid gid umask additionalGids"),
        Row("process.user.username", Answer.As("for Windows only: kept, and not looked up"), Answer.As("for Windows only: kept, and not looked up"), "SpecReaderTests.Every_field_of_a_rich_specification_survives_reading_and_writing"),
        Both("process.rlimits[]", Seen + "Limit_of_open_files", "type soft hard"),
        Both("process.capabilities", Seen + "Capabilities_and_no_new_privileges", "bounding effective permitted inheritable ambient"),
        Both("process.noNewPrivileges", Seen + "Capabilities_and_no_new_privileges"),
        Row("process.apparmorProfile", Answer.YesWhere("an error where the host has no AppArmor"), HostsPolicy("AppArmor"), Cases),
        Row("process.selinuxLabel", Answer.YesWhere("an error where the host has no SELinux"), HostsPolicy("SELinux"), Cases),
        Both("process.oomScoreAdj", Seen + "Oom_score"),
        Both("process.scheduler", Cases, "policy nice priority flags runtime deadline period"),
        Both("process.ioPriority", Cases, "class priority"),
        Row("process.execCPUAffinity", Yes, Answer.No, "JoinedNamespaceTests.Exec_runs_on_the_processors_that_its_process_names", "initial final"),
    ];

    private static FieldRow[] Hooks =>
    [
        HostHook("prestart", "HookTests.Hooks_run_in_order_and_get_the_state"),
        HostHook("createRuntime", "HookTests.Hooks_run_in_order_and_get_the_state"),
        Row("hooks.createContainer[]", Yes, Answer.As("on the host, in the namespaces of the container's keeper"), "HookTests.Hooks_of_the_container_run_in_its_namespaces", "path args env timeout"),
        Row("hooks.startContainer[]", Yes, Answer.As("in the guest, in the container, before its program"), "HookTests.Hooks_of_the_container_run_in_its_namespaces", "path args env timeout"),
        HostHook("poststart", "HookTests.Hooks_run_in_order_and_get_the_state"),
        HostHook("poststop", "HookTests.Hooks_run_in_order_and_get_the_state"),
    ];

    private static FieldRow HostHook(string kind, string test) =>
        Row($"hooks.{kind}[]", Yes, Answer.YesWhere("on the host; the pid in the state is the keeper's"), test, "path args env timeout");

    private static Answer HostsPolicy(string module) =>
        Answer.As($"a policy of the host's {module} does not reach into another kernel: the machine stands in its place, and a warning says so");
}
