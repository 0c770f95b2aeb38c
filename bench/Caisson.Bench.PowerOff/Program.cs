using Caisson.Linux;

// The least that an init can do: what a machine needs beyond this is Caisson's.
Machine.PowerOff();
