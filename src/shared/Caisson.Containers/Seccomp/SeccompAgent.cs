using System.Buffers;
using System.Text.Json;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>Hands a seccomp listener to the agent at <c>listenerPath</c>, with the container process state of the runtime specification.</summary>
internal static class SeccompAgent
{
    internal static void Deliver(ContainerRequest container, int pid, FileDescriptor listener) =>
        Deliver(container.Spec, HookState.Write(container, ContainerStatus.Creating, pid), pid, listener);

    internal static void Deliver(OciSpec spec, ReadOnlySpan<byte> state, int pid, FileDescriptor listener)
    {
        LinuxSeccomp seccomp = spec.Linux!.Seccomp!;
        string path = seccomp.ListenerPath!;
        if (!UnixSocket.TryConnect(path, out UnixSocket? agent, out Errno why))
        {
            throw ContainerException.Because($"failed to connect with seccomp agent specified in the seccomp profile: {path}", why);
        }

        using (agent)
        {
            agent.SendMessage(Message(spec, seccomp, state, pid), listener);
        }
    }

    private static byte[] Message(OciSpec spec, LinuxSeccomp seccomp, ReadOnlySpan<byte> state, int pid)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("ociVersion", spec.OciVersion ?? "1.0.2");
            json.WriteStartArray("fds");
            json.WriteStringValue("seccompFd");    // the specification's name for it
            json.WriteEndArray();
            json.WriteNumber("pid", pid);
            if (!string.IsNullOrEmpty(seccomp.ListenerMetadata))
            {
                json.WriteString("metadata", seccomp.ListenerMetadata);
            }

            json.WritePropertyName("state");
            json.WriteRawValue(state);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
