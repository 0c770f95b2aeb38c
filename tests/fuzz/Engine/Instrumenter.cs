using System.Globalization;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace Caisson.Fuzz;

/// <summary>Copies this program and gives the product's assemblies in the copy a counter at every basic block.</summary>
internal static class Instrumenter
{
    private static readonly string[] s_instrumented =
    [
        "Caisson.Linux.dll", "Caisson.Oci.dll", "Caisson.Ttrpc.dll", "Caisson.Protocol.dll", "Caisson.Containers.dll",
        "Caisson.Hypervisors.dll", "Caisson.GuestImage.dll", "Caisson.Sandboxes.dll", "caisson.dll", "caisson-agent.dll", "Google.Protobuf.dll",
    ];

    /// <summary>The directory of an instrumented copy of exactly these assemblies, made if there is none yet.</summary>
    internal static string Prepare(string place)
    {
        string source = AppContext.BaseDirectory;
        string target = Path.Combine(place, "instrumented-" + Fingerprint(source));
        if (Directory.Exists(target))
        {
            return target;
        }

        // Beside and renamed: two runs may begin at once.
        string unfinished = $"{target}.{Environment.ProcessId}";
        Directory.CreateDirectory(unfinished);
        foreach (string file in Directory.EnumerateFiles(source))
        {
            File.Copy(file, Path.Combine(unfinished, Path.GetFileName(file)));
        }

        int block = 0;
        foreach (string name in s_instrumented)
        {
            Instrument(Path.Combine(source, name), Path.Combine(unfinished, name), ref block);
        }

        RemoveOld(place);
        try
        {
            Directory.Move(unfinished, target);
        }
        catch (IOException) when (Directory.Exists(target))
        {
            Directory.Delete(unfinished, recursive: true);
        }

        return target;
    }

    private static string Fingerprint(string directory)
    {
        ulong sum = 0;
        foreach (string file in Directory.EnumerateFiles(directory, "*.dll").Order(StringComparer.Ordinal))
        {
            var info = new FileInfo(file);
            sum = unchecked((sum * 31) + (ulong)info.Length + ((ulong)info.LastWriteTimeUtc.Ticks * 17));
        }

        return sum.ToString("x16", CultureInfo.InvariantCulture);
    }

    private static void RemoveOld(string place)
    {
        foreach (string old in Directory.EnumerateDirectories(place, "instrumented-????????????????"))
        {
            Directory.Delete(old, recursive: true);
        }
    }

    private static void Instrument(string source, string target, ref int block)
    {
        System.Reflection.MethodInfo hit = typeof(Coverage).GetMethod(nameof(Coverage.Hit))!;
        var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(Path.GetDirectoryName(source));
        using var module = ModuleDefinition.ReadModule(source, new ReaderParameters { AssemblyResolver = resolver, InMemory = true });
        MethodReference counter = module.ImportReference(hit);
        foreach (MethodDefinition method in module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody))
        {
            Instrument(method.Body, counter, ref block);
        }

        module.Write(target);
        resolver.Dispose();
    }

    private static void Instrument(MethodBody body, MethodReference counter, ref int block)
    {
        body.SimplifyMacros();
        ILProcessor code = body.GetILProcessor();
        foreach (Instruction start in BlockStarts(body))
        {
            // What jumps here must meet the counter first, so the instruction moves on and its old place becomes the counter.
            Instruction moved = Instruction.Create(OpCodes.Nop);
            moved.OpCode = start.OpCode;
            moved.Operand = start.Operand;
            start.OpCode = OpCodes.Ldc_I4;
            start.Operand = Scatter(block++);
            Instruction call = code.Create(OpCodes.Call, counter);
            code.InsertAfter(start, call);
            code.InsertAfter(call, moved);
        }

        body.OptimizeMacros();
    }

    private static List<Instruction> BlockStarts(MethodBody body)
    {
        var starts = new HashSet<Instruction> { body.Instructions[0] };
        foreach (Instruction instruction in body.Instructions)
        {
            if (instruction.Operand is Instruction target)
            {
                starts.Add(target);
            }
            else if (instruction.Operand is Instruction[] targets)
            {
                starts.UnionWith(targets);
            }

            if (instruction.OpCode.FlowControl == FlowControl.Cond_Branch && instruction.Next is { } next)
            {
                starts.Add(next);
            }
        }

        // A prefix belongs to the instruction behind it.
        starts.RemoveWhere(start => start.Previous?.OpCode.OpCodeType == OpCodeType.Prefix);
        return [.. body.Instructions.Where(starts.Contains)];
    }

    // Consecutive numbers would make edges of neighbours collide.
    private static int Scatter(int number) => (int)(((uint)number * 2654435761u) >> 15) & (Coverage.MapBytes - 1);
}
