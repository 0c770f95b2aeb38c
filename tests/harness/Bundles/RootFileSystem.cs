namespace Caisson.Harness;

/// <summary>A root file system of busybox.</summary>
public static class RootFileSystem
{
    private static readonly string[] s_directories = ["bin", "dev", "etc", "proc", "sys", "tmp", "run", "root", "mnt"];

    private static readonly string[] s_applets =
    [
        "sh", "ash", "cat", "chmod", "chown", "cut", "date", "dd", "df", "echo", "env", "false", "find", "grep", "head", "hostname", "id", "kill",
        "ln", "ls", "mkdir", "mknod", "mkfifo", "mount", "mv", "nproc", "od", "ping", "printf", "ps", "pwd", "readlink", "rm", "rmdir", "sed", "seq",
        "sha256sum", "sleep", "sort", "stat", "stty", "sync", "tail", "tee", "test", "touch", "tr", "true", "tty", "umount", "uname", "usleep", "wc", "whoami", "yes",
    ];


    public static void Make(string directory)
    {
        foreach (string name in s_directories)
        {
            Directory.CreateDirectory(Path.Combine(directory, name));
        }

        File.SetUnixFileMode(Path.Combine(directory, "tmp"), (UnixFileMode)0b001_111_111_111);
        File.Copy("/bin/busybox", Path.Combine(directory, "bin/busybox"));
        foreach (string applet in s_applets)
        {
            File.CreateSymbolicLink(Path.Combine(directory, "bin", applet), "busybox");
        }

        File.WriteAllText(Path.Combine(directory, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000:guest:/:/bin/sh\n");
        File.WriteAllText(Path.Combine(directory, "etc/group"), "root:x:0:\nguest:x:1000:\n");
    }
}
