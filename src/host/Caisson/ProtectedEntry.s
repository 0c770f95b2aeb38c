# The executable's entry point, before the C library's. It executes the program again from a detached read-only mount of its own file
# (CVE-2019-5736, see ProtectedProgram.cs), which managed code can do as well, but only after the runtime's start: 1.5 ms that would be
# paid twice by each run, create and exec. Whatever fails here is left to managed code: control passes to _start as if nothing had been.
# The decision to have this one file that is not C# is recorded in docs/decisions/0004-protected-entry.md.
#
# Commands that neither make a container nor enter one have nothing to hide from it and go on at once: the clone and its end cost as much as
# they do themselves, on a busy machine more (the kernel waits for all CPUs when a detached mount goes). The first word that names a
# command decides. A word may be taken wrongly, such as a container's id; then managed code sees that the stand-in is missing.
#
# It also blocks the signals that a foreground command passes on (ForegroundSession.Taken): a mask survives execution, and the threads
# that the runtime starts before Main inherit it. Commands that pass nothing on unblock them first thing.

        .set    NR_close, 3
        .set    NR_rt_sigprocmask, 14
        .set    NR_readlink, 89
        .set    NR_fstatfs, 138
        .set    NR_openat, 257
        .set    NR_execveat, 322
        .set    NR_open_tree, 428
        .set    NR_mount_setattr, 442

        .set    AT_FDCWD, -100
        .set    AT_EMPTY_PATH, 0x1000
        .set    O_CLOEXEC, 0x80000
        .set    OPEN_TREE_CLONE_CLOEXEC, 0x80001
        .set    MOUNT_ATTR_RDONLY_NODEV, 5
        .set    ST_RDONLY, 1
        .set    SIG_BLOCK, 0
        .set    SIG_SETMASK, 2

        # HUP INT QUIT USR1 USR2 ALRM TERM CHLD CONT TSTP TTIN TTOU XCPU XFSZ VTALRM PROF WINCH IO PWR
        .set    TAKEN, 0x3fbb6a07

        # The frame below the kernel's: statfs, mount_attr, two signal sets, and the variable.
        .set    STATFS, 0               # 120 bytes on x86-64, f_flags at 80
        .set    F_FLAGS, 80
        .set    MOUNT_ATTR, 128         # 32 bytes
        .set    MASK, 160
        .set    MASK_BEFORE, 168
        .set    VARIABLE, 176           # prefix and path
        .set    PREFIX_BYTES, 19
        .set    PATH_BYTES, 4095
        .set    FRAME, 4304

        .section .rodata
own_file:
        .asciz  "/proc/self/exe"
nothing:
        .asciz  ""
prefix:
        .ascii  "CAISSON_EXECUTABLE="
        # Names of at most eight characters, as the number that their bytes make.
        .balign 8
entering:
        .ascii  "create\0\0", "run\0\0\0\0\0", "exec\0\0\0\0", "do\0\0\0\0\0\0", "restore\0"
        .quad   0
looking:
        .ascii  "state\0\0\0", "start\0\0\0", "kill\0\0\0\0", "delete\0\0", "list\0\0\0\0", "ps\0\0\0\0\0\0"
        .ascii  "pause\0\0\0", "resume\0\0", "update\0\0", "events\0\0", "spec\0\0\0\0", "features", "version\0"
        .quad   0

        .text
        .globl  caisson_entry
        .type   caisson_entry, @function
caisson_entry:
        # The kernel's frame (argc, argv, 0, envp, 0, auxv) and rdx must be as they are when _start begins.
        mov     %rdx, %r12
        mov     %rsp, %r13
        sub     $FRAME, %rsp
        and     $-16, %rsp
        mov     %rsp, %rbp
        cld

        xor     %r15d, %r15d                    # whether a word said that a container is made or entered

        cmpq    $0, (%r13)
        je      .Lprotect
        lea     8(%r13), %rsi
.Lword:
        add     $8, %rsi
        mov     (%rsi), %rdi
        test    %rdi, %rdi
        jz      .Lprotect
        xor     %eax, %eax
        xor     %ecx, %ecx
.Lletter:
        movzbl  (%rdi), %edx
        test    %edx, %edx
        jz      .Lwhole
        cmp     $64, %ecx
        je      .Lword
        shl     %cl, %rdx
        or      %rdx, %rax
        add     $8, %ecx
        inc     %rdi
        jmp     .Lletter
.Lwhole:
        test    %rax, %rax
        jz      .Lword
        lea     entering(%rip), %rdi
.Lentering:
        mov     (%rdi), %rdx
        add     $8, %rdi
        cmp     %rdx, %rax
        je      .Lenters
        test    %rdx, %rdx
        jnz     .Lentering
        lea     looking(%rip), %rdi
.Llooking:
        mov     (%rdi), %rdx
        add     $8, %rdi
        cmp     %rdx, %rax
        je      .Lgo_on
        test    %rdx, %rdx
        jnz     .Llooking
        jmp     .Lword

.Lenters:
        inc     %r15d
.Lprotect:
        # On a read-only file system already: the stand-in, or one that needs none.
        mov     $NR_openat, %eax
        mov     $AT_FDCWD, %rdi
        lea     own_file(%rip), %rsi
        mov     $O_CLOEXEC, %edx
        syscall
        test    %rax, %rax
        js      .Lgo_on
        mov     %eax, %ebx
        mov     $NR_fstatfs, %eax
        mov     %ebx, %edi
        lea     STATFS(%rbp), %rsi
        syscall
        mov     %rax, %r14
        mov     $NR_close, %eax
        mov     %ebx, %edi
        syscall
        test    %r14, %r14
        js      .Lgo_on
        testb   $ST_RDONLY, STATFS+F_FLAGS(%rbp)
        jnz     .Lread_only

        # The stand-in. Without CAP_SYS_ADMIN this is where it ends.
        mov     $NR_open_tree, %eax
        mov     $AT_FDCWD, %rdi
        lea     own_file(%rip), %rsi
        mov     $OPEN_TREE_CLONE_CLOEXEC, %edx
        syscall
        test    %rax, %rax
        js      .Lgo_on
        mov     %eax, %ebx
        movq    $MOUNT_ATTR_RDONLY_NODEV, MOUNT_ATTR(%rbp)
        movq    $0, MOUNT_ATTR+8(%rbp)
        movq    $0, MOUNT_ATTR+16(%rbp)
        movq    $0, MOUNT_ATTR+24(%rbp)
        mov     $NR_mount_setattr, %eax
        mov     %ebx, %edi
        lea     nothing(%rip), %rsi
        mov     $AT_EMPTY_PATH, %edx
        lea     MOUNT_ATTR(%rbp), %r10
        mov     $32, %r8d
        syscall
        test    %rax, %rax
        js      .Lclose

        # The stand-in has no path; whoever looks for files beside the executable needs the old one.
        lea     VARIABLE(%rbp), %rdi
        lea     prefix(%rip), %rsi
        mov     $PREFIX_BYTES, %ecx
        rep movsb
        mov     $NR_readlink, %eax
        mov     %rdi, %rsi
        lea     own_file(%rip), %rdi
        mov     $PATH_BYTES, %edx
        syscall
        test    %rax, %rax
        js      .Lclose
        movb    $0, VARIABLE+PREFIX_BYTES(%rbp,%rax)

        # envp is copied with the variable before all others, where it counts if there are two.
        mov     (%r13), %rax
        lea     16(%r13,%rax,8), %rsi
        mov     %rsi, %rcx
.Lcount:
        add     $8, %rcx
        cmpq    $0, -8(%rcx)
        jne     .Lcount
        sub     %rsi, %rcx                      # bytes, the final null included
        sub     %rcx, %rsp
        sub     $16, %rsp
        and     $-16, %rsp
        mov     %rsp, %rdi
        lea     VARIABLE(%rbp), %rax
        stosq
        rep movsb
        mov     %rsp, %r14

        movq    $TAKEN, MASK(%rbp)
        mov     $NR_rt_sigprocmask, %eax
        mov     $SIG_BLOCK, %edi
        lea     MASK(%rbp), %rsi
        lea     MASK_BEFORE(%rbp), %rdx
        mov     $8, %r10d
        syscall

        mov     $NR_execveat, %eax
        mov     %ebx, %edi
        lea     nothing(%rip), %rsi
        lea     8(%r13), %rdx
        mov     %r14, %r10
        mov     $AT_EMPTY_PATH, %r8d
        syscall

        # Still here: it was refused.
        mov     $NR_rt_sigprocmask, %eax
        mov     $SIG_SETMASK, %edi
        lea     MASK_BEFORE(%rbp), %rsi
        xor     %edx, %edx
        mov     $8, %r10d
        syscall
.Lclose:
        mov     $NR_close, %eax
        mov     %ebx, %edi
        syscall
        jmp     .Lgo_on

        # No other stand-in is needed: a shim, which runs from one, starts its commands from the same. But their signals must be blocked here
        # too, or managed code would have to begin anew, from a copy of the whole file where the stand-in cannot be cloned.
.Lread_only:
        test    %r15d, %r15d
        jz      .Lgo_on
        movq    $TAKEN, MASK(%rbp)
        mov     $NR_rt_sigprocmask, %eax
        mov     $SIG_BLOCK, %edi
        lea     MASK(%rbp), %rsi
        xor     %edx, %edx
        mov     $8, %r10d
        syscall
.Lgo_on:
        mov     %r13, %rsp
        mov     %r12, %rdx
        jmp     _start
        .size   caisson_entry, .-caisson_entry

        .section .note.GNU-stack, "", @progbits
