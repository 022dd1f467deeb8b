namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// The other nodes have declared this one dead, since they saw no sign of life of it: they send its mail now, and it writes nothing any
/// more.
/// </summary>
internal sealed class NodeDeadException()
    : Exception("The other nodes have declared this one dead, and send its mail. The process ends, and begins anew as another node.");
