using Caisson.GuestImage;

return args is ["guest", "build", ..] ? GuestBuildCommand.Run(args[2..], Console.Out, Console.Error) : 0;
