namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// Another process has entered itself as the user of the database, or the database is another one than before: this one writes nothing any
/// more.
/// </summary>
internal sealed class NodeDeadException()
    : Exception(
        "Another process uses the database now, or it is not the one it was (a replica that was behind, a backup). The process ends."
    );
