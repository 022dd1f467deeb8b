namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>How the connection that writes begins and ends the transaction of a turn. On the writer's thread.</summary>
internal abstract class TurnConnection
{
    public abstract Session Session { get; }

    /// <summary>The end of the event log and the last arrival number, as the turn's transaction sees them.</summary>
    public NumberLine Numbers { get; } = new();

    public abstract void Begin();

    public abstract void Commit();

    /// <summary>After an exception: whether the turn's transaction is committed all the same; null: nobody knows yet, ask again.</summary>
    public abstract bool? Settle();

    /// <summary>The last turn lost its connection, and there is a new one already: nobody has to wait before the next turn.</summary>
    public virtual bool IsNew => false;

    /// <summary>What keeps the store from writing, in words; null: the exception is a mistake of this program's.</summary>
    public abstract string? Trouble(Exception error);

    /// <summary>Writes in a turn without work, to find out whether the store can write again.</summary>
    public abstract void Probe();

    /// <summary>In the next turn: takes away what a probe wrote.</summary>
    public abstract void EndProbe();

    /// <summary>After a commit.</summary>
    public abstract void Committed();
}
