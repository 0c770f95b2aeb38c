using System.Buffers;
using System.Text.Json;

namespace Caisson.Oci;

/// <summary>Writes the specification's features document, indented by four spaces as runc's <c>features</c> prints it.</summary>
public static class FeaturesWriter
{
    private static readonly JsonWriterOptions s_spaced = SpecWriter.Compact with { Indented = true, IndentSize = 4, NewLine = "\n" };

    /// <summary>The document, without a line's end.</summary>
    public static byte[] Write(OciFeatures features)
    {
        var target = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(target, s_spaced))
        {
            WriteAll(json, features);
        }
        return target.WrittenSpan.ToArray();
    }

    private static void WriteAll(Utf8JsonWriter json, OciFeatures features)
    {
        json.WriteStartObject();
        json.WriteString("ociVersionMin"u8, features.OciVersionMin);
        json.WriteString("ociVersionMax"u8, features.OciVersionMax);
        WriteKnown(json, "hooks"u8, features.Hooks);
        WriteKnown(json, "mountOptions"u8, features.MountOptions);
        json.WriteObject("linux"u8, features.Linux, WriteLinux);
        json.WriteStringMap("annotations"u8, features.Annotations);
        WriteKnown(json, "potentiallyUnsafeConfigAnnotations"u8, features.PotentiallyUnsafeConfigAnnotations);
        json.WriteEndObject();
    }

    private static void WriteLinux(Utf8JsonWriter json, LinuxFeatures linux)
    {
        json.WriteStartObject();
        WriteKnown(json, "namespaces"u8, linux.Namespaces);
        WriteKnown(json, "capabilities"u8, linux.Capabilities);
        json.WriteObject("cgroup"u8, linux.Cgroup, WriteCgroup);
        json.WriteObject("seccomp"u8, linux.Seccomp, WriteSeccomp);
        WriteEnabled(json, "apparmor"u8, linux.Apparmor);
        WriteEnabled(json, "selinux"u8, linux.Selinux);
        json.WriteObject("intelRdt"u8, linux.IntelRdt, WriteIntelRdt);
        if (linux.MemoryPolicyModes is not null || linux.MemoryPolicyFlags is not null)
        {
            json.WriteStartObject("memoryPolicy"u8);
            WriteKnown(json, "modes"u8, linux.MemoryPolicyModes);
            WriteKnown(json, "flags"u8, linux.MemoryPolicyFlags);
            json.WriteEndObject();
        }
        if (linux.IdMappedMounts is not null)
        {
            json.WriteStartObject("mountExtensions"u8);
            WriteEnabled(json, "idmap"u8, linux.IdMappedMounts);
            json.WriteEndObject();
        }
        WriteEnabled(json, "netDevices"u8, linux.NetDevices);
        json.WriteEndObject();
    }

    private static void WriteCgroup(Utf8JsonWriter json, CgroupFeatures cgroup)
    {
        json.WriteStartObject();
        json.WriteOptional("v1"u8, cgroup.V1);
        json.WriteOptional("v2"u8, cgroup.V2);
        json.WriteOptional("systemd"u8, cgroup.Systemd);
        json.WriteOptional("systemdUser"u8, cgroup.SystemdUser);
        json.WriteOptional("rdma"u8, cgroup.Rdma);
        json.WriteEndObject();
    }

    private static void WriteSeccomp(Utf8JsonWriter json, SeccompFeatures seccomp)
    {
        json.WriteStartObject();
        json.WriteOptional("enabled"u8, seccomp.Enabled);
        WriteKnown(json, "actions"u8, seccomp.Actions);
        WriteKnown(json, "operators"u8, seccomp.Operators);
        WriteKnown(json, "archs"u8, seccomp.Archs);
        WriteKnown(json, "knownFlags"u8, seccomp.KnownFlags);
        WriteKnown(json, "supportedFlags"u8, seccomp.SupportedFlags);
        json.WriteEndObject();
    }

    private static void WriteIntelRdt(Utf8JsonWriter json, IntelRdtFeatures rdt)
    {
        json.WriteStartObject();
        json.WriteOptional("enabled"u8, rdt.Enabled);
        json.WriteOptional("schemata"u8, rdt.Schemata);
        json.WriteOptional("monitoring"u8, rdt.Monitoring);
        json.WriteEndObject();
    }

    // Null is unknown and left out; an empty list says that nothing is supported, so it is written.
    private static void WriteKnown(Utf8JsonWriter json, ReadOnlySpan<byte> name, SpecList<string>? items)
    {
        if (items is not null)
        {
            json.WriteStrings(name, items, evenEmpty: true);
        }
    }

    private static void WriteEnabled(Utf8JsonWriter json, ReadOnlySpan<byte> name, bool? enabled)
    {
        if (enabled is { } known)
        {
            json.WriteStartObject(name);
            json.WriteBoolean("enabled"u8, known);
            json.WriteEndObject();
        }
    }
}
