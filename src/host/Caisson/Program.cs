using Caisson.GuestImage;
using Caisson.Hypervisors;

return args switch
{
    [JailLauncher.Verb] => JailLauncher.Run(),
    ["guest", "build", ..] => GuestBuildCommand.Run(args[2..], Console.Out, Console.Error),
    _ => 0,
};
