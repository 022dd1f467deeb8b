namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>
/// The other nodes have declared this one dead, or the database is another one than before: this one writes nothing any more.
/// </summary>
internal sealed class NodeDeadException()
    : Exception(
        "The other nodes have declared this one dead, since it did not answer in time, and send its mail now; or the database is not "
            + "the one it was (a replica that was behind, a backup). The process ends, and may be started again at once."
    );
