namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>This node may write nothing any more; the process ends.</summary>
internal sealed class NodeDeadException(string reason) : Exception(reason)
{
    /// <summary>The other nodes have declared this one dead, or the database is another one than before.</summary>
    public NodeDeadException()
        : this(
            "The other nodes have declared this one dead, since it did not answer in time, and send its mail now; or the database is not "
                + "the one it was (a replica that was behind, a backup). The process ends, and may be started again at once."
        ) { }

    /// <summary>A newer program has changed the schema so that this one may use it no more.</summary>
    public static NodeDeadException TooOld(long least, int latest) =>
        new(
            $"A newer program has brought the schema forward: programs that know less than version {least} may not use it, and this "
                + $"one knows {latest}. The process ends; install the newer version."
        );
}
