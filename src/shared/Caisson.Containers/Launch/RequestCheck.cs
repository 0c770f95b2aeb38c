using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>What can be refused before anything is made, with a sentence instead of an errno.</summary>
internal static class RequestCheck
{
    internal static void Check(ContainerRequest request)
    {
        OciSpec spec = request.Spec;
        OciProcess process = spec.Process ?? throw Invalid("config.json: process is missing");
        if (request.FinalStep is null && process.Args.Count == 0)
        {
            throw Invalid("process args cannot be empty");
        }

        if (process.Terminal && request.ConsoleSocket is null)
        {
            throw Invalid("cannot allocate tty if runc will detach without setting console socket");
        }

        if (!process.Terminal && request.ConsoleSocket is not null)
        {
            throw Invalid("cannot use console socket if runc will not detach or allocate tty");
        }

        if (request.Verb is not null && (request.FinalStep is not null || request.PreserveFds > 0))
        {
            throw Invalid("a container whose init is executed can neither take a final step nor preserve descriptors");
        }

        if (request.Rootfs is null)
        {
            RootPath.Check(RootPath.Of(request));
        }

        CheckNamespaces(spec);
        if (!request.OwnsKernel)
        {
            SysctlCheck.Check(spec.Linux?.Sysctl ?? SpecMap.Empty<string>(), NamespacePlan.From(spec.Linux));
        }

        LabelCheck.Check(process, spec.Linux?.MountLabel);
    }

    // A setting whose namespace is the host's would change the host.
    private static void CheckNamespaces(OciSpec spec)
    {
        NamespacePlan plan = NamespacePlan.From(spec.Linux);
        if (!string.IsNullOrEmpty(spec.Hostname) && !plan.Has(NamespaceKinds.Uts))
        {
            throw Invalid("unable to set hostname without a private UTS namespace");
        }

        if (!string.IsNullOrEmpty(spec.Domainname) && !plan.Has(NamespaceKinds.Uts))
        {
            throw Invalid("unable to set domainname without a private UTS namespace");
        }

        if (spec.Linux is not { } linux)
        {
            return;
        }

        RefuseWhatIsNotThere(linux);
        if (linux.MaskedPaths.Count + linux.ReadonlyPaths.Count > 0 && !plan.Has(NamespaceKinds.Mount))
        {
            throw Invalid("unable to restrict sys entries without a private MNT namespace");
        }

        if (plan.Creates(NamespaceKinds.User) ? linux.UidMappings.Count == 0 || linux.GidMappings.Count == 0
            : !plan.Has(NamespaceKinds.User) && linux.UidMappings.Count + linux.GidMappings.Count > 0)
        {
            throw Invalid(plan.Creates(NamespaceKinds.User)
                ? "user namespaces enabled, but no uid or gid mappings found"
                : "user namespace mappings specified, but user namespace isn't enabled in the config");
        }

        if (linux.TimeOffsets.Count > 0 && !plan.Creates(NamespaceKinds.Time))
        {
            throw Invalid("time namespace offsets specified, but time namespace isn't enabled in the config");
        }
    }

    // Asked for and not given would be a silent lie.
    private static void RefuseWhatIsNotThere(OciLinux linux)
    {
        if (linux.IntelRdt is not null)
        {
            throw new ContainerException("linux.intelRdt is not supported; remove it from the configuration", Errno.EOPNOTSUPP);
        }
    }

    private static ContainerException Invalid(string what) => new(what, Errno.EINVAL);
}
