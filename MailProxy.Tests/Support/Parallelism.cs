using NUnit.Framework;

// Tests wait for processes and timers more than they reckon, on two cores as well.
[assembly: LevelOfParallelism(3)]
