using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>
/// The machine code that clones and, in the child, works off a list of system calls. It touches no stack, no errno and no thread
/// descriptor in the child, so it does not matter what other threads of the parent were doing.
/// </summary>
internal static unsafe class CloneStub
{
    private const int ProtReadWrite = 3;
    private const int ProtReadExecute = 5;
    private const int MapPrivateAnonymous = 0x22;
    private const int PageBytes = 4096;

    private static readonly delegate* unmanaged<Libc.CloneArgs*, long, CloneMemory.Entry*, long> s_code = Emit();

    // long run(clone_args* rdi, long size rsi, Entry* rdx): the parent gets clone3's result, the child never returns.
    private static ReadOnlySpan<byte> Code =>
    [
        0x53,                                     //  0        push  rbx
        0x48, 0x89, 0xD3,                         //  1        mov   rbx, rdx
        0xB8, 0xB3, 0x01, 0x00, 0x00,             //  4        mov   eax, 435 (clone3)
        0x0F, 0x05,                               //  9        syscall
        0x48, 0x85, 0xC0,                         // 11        test  rax, rax
        0x74, 0x02,                               // 14        jz    child
        0x5B,                                     // 16        pop   rbx
        0xC3,                                     // 17        ret
        0x8B, 0x03,                               // 18 child: mov   eax, [rbx]
        0x48, 0x8B, 0x7B, 0x08,                   // 20        mov   rdi, [rbx+8]
        0x48, 0x8B, 0x73, 0x10,                   // 24        mov   rsi, [rbx+16]
        0x48, 0x8B, 0x53, 0x18,                   // 28        mov   rdx, [rbx+24]
        0x4C, 0x8B, 0x53, 0x20,                   // 32        mov   r10, [rbx+32]
        0x4C, 0x8B, 0x43, 0x28,                   // 36        mov   r8,  [rbx+40]
        0x4C, 0x8B, 0x4B, 0x30,                   // 40        mov   r9,  [rbx+48]
        0x0F, 0x05,                               // 44        syscall
        0x48, 0x89, 0x43, 0x38,                   // 46        mov   [rbx+56], rax
        0x48, 0x3D, 0x01, 0xF0, 0xFF, 0xFF,       // 50        cmp   rax, -4095
        0x73, 0x12,                               // 56        jae   fail
        0x48, 0x8B, 0x4B, 0x40,                   // 58 next:  mov   rcx, [rbx+64]
        0x48, 0x85, 0xC9,                         // 62        test  rcx, rcx
        0x74, 0x03,                               // 65        jz    +3
        0x48, 0x89, 0x01,                         // 67        mov   [rcx], rax
        0x48, 0x83, 0xC3, 0x48,                   // 70        add   rbx, 72
        0xEB, 0xC6,                               // 74        jmp   child
        0xF6, 0x43, 0x04, 0x01,                   // 76 fail:  test  byte [rbx+4], 1
        0x75, 0xE8,                               // 80        jnz   next
        0xBF, 0x7F, 0x00, 0x00, 0x00,             // 82        mov   edi, 127
        0xB8, 0xE7, 0x00, 0x00, 0x00,             // 87        mov   eax, 231 (exit_group)
        0x0F, 0x05,                               // 92        syscall
        0x0F, 0x0B,                               // 94        ud2
    ];

    /// <summary>Clones with all signals blocked, because the child shares memory with handlers that must not run in it.</summary>
    /// <param name="arguments">For clone3(2); with CLONE_VFORK, so that the memory may be freed on return.</param>
    /// <param name="calls">The child's calls.</param>
    /// <param name="restoreMaskInChild">Where the child's first call finds the mask to go back to, or null when the list sets its own.</param>
    /// <returns>The pid, or a negative errno.</returns>
    internal static long Run(Libc.CloneArgs* arguments, CloneMemory.Entry* calls, ulong* restoreMaskInChild)
    {
        ulong all = ~0UL;
        ulong before = 0;
        // SAFETY: both masks are locals of this frame, and 8 bytes is the kernel's sigset_t on x86-64.
        Libc.syscall_here(Libc.SYS_rt_sigprocmask, Libc.SIG_BLOCK, (long)&all, (long)&before, Libc.KernelSignalSetBytes);
        if (restoreMaskInChild is not null)
        {
            *restoreMaskInChild = before;
        }

        // SAFETY: the code is the page emitted above; it reads only the arguments and the list, which the caller keeps until we return.
        long pid = s_code(arguments, sizeof(Libc.CloneArgs), calls);
        Libc.syscall_here(Libc.SYS_rt_sigprocmask, Libc.SIG_SETMASK, (long)&before, 0, Libc.KernelSignalSetBytes);
        return pid;
    }

    // Written first, made executable after: the page is never both.
    private static delegate* unmanaged<Libc.CloneArgs*, long, CloneMemory.Entry*, long> Emit()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw new PlatformNotSupportedException("starting processes from several threads is written for x86-64 only");
        }

        long mapped = Libc.mmap_anonymous(0, PageBytes, ProtReadWrite, MapPrivateAnonymous, -1, 0);
        if (mapped == -1)
        {
            throw new SyscallException("mmap(clone stub)", Libc.LastError);
        }

        byte* page = (byte*)mapped;
        // SAFETY: the page is ours, writable, and larger than the code.
        Code.CopyTo(new Span<byte>(page, PageBytes));
        Libc.Check(Libc.mprotect_block(page, PageBytes, ProtReadExecute), "mprotect(clone stub)");
        return (delegate* unmanaged<Libc.CloneArgs*, long, CloneMemory.Entry*, long>)page;
    }
}
