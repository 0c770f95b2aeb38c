using Caisson.Oci;
using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.Agent;

/// <summary>
/// Specifications of requests: the whole one as JSON where it is there, else Kata's protobuf form. That is written as JSON and read like
/// the other, so that both are judged alike: texts with NUL in them, which the kernel would cut, are refused in either.
/// </summary>
internal static class SpecDecoding
{
    internal static OciSpec Spec(CreateContainerRequest request) => Decode(
        request.ConfigJson, static json => SpecReader.Parse(json, "config.json"),
        () => SpecReader.Parse(SpecWriter.Write(SpecConverter.FromWire(request.Oci ?? throw Refusal.Invalid("CreateContainer: there is no specification"))), "specification"));

    internal static OciProcess Process(ExecProcessRequest request) => Decode(
        request.ProcessJson, static json => SpecReader.ParseProcess(json, "process"),
        () => SpecReader.ParseProcess(SpecWriter.Write(SpecConverter.FromWire(request.Process ?? throw Refusal.Invalid("ExecProcess: there is no process"))), "process"));

    internal static LinuxResources Resources(UpdateContainerRequest request) => Decode(
        request.ResourcesJson, static json => SpecReader.ParseResources(json, "resources"),
        () => SpecReader.ParseResources(SpecWriter.Write(SpecConverter.FromWire(request.Resources ?? throw Refusal.Invalid("UpdateContainer: there are no resources"))), "resources"));

    private delegate T ReadJson<T>(ReadOnlySpan<byte> json);

    private static T Decode<T>(ByteString json, ReadJson<T> read, Func<T> convert)
    {
        try
        {
            return json.IsEmpty ? convert() : read(json.Span);
        }
        catch (SpecException wrong)
        {
            throw Refusal.Invalid(wrong.Message);
        }
    }
}
