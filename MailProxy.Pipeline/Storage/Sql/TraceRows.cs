using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// The traces that messages belong to. As long as no message of the store ever had one, nothing is written and nothing is asked. A deleted
/// message takes its row along.
/// </summary>
internal sealed class TraceRows(Session session)
{
    private const string Put = """
        INSERT INTO message_traces (message, traceparent, tracestate) VALUES (?1, ?2, ?3)
        ON CONFLICT (message) DO UPDATE SET traceparent = excluded.traceparent, tracestate = excluded.tracestate
        """;
    private const string Delete = "DELETE FROM message_traces WHERE message = ?1";
    private const string Find = "SELECT traceparent, tracestate FROM message_traces WHERE message = ?1";
    private const string IsAny = "SELECT EXISTS (SELECT 1 FROM message_traces)";

    private volatile bool _isAny = session.QueryNumber(IsAny) == 1;

    /// <summary>Keeps what the new content under this number came with, instead of what the former came with.</summary>
    public void Write(Session session, long message, TraceContext? trace)
    {
        if (trace is null)
        {
            Clear(session, message);
            return;
        }

        _isAny = true; // before the commit, after which somebody may ask
        session.Prepare(Put).Add(message).Add(trace.Parent).Add(trace.State).Post();
    }

    /// <summary>Another node has written one.</summary>
    public void Learn() => _isAny = true;

    public void Clear(Session session, long message)
    {
        if (_isAny)
            session.Prepare(Delete).Add(message).Post();
    }

    public TraceContext? Of(Session session, long message)
    {
        if (!_isAny)
            return null;
        var row = session.Prepare(Find).Add(message);
        if (!row.Step())
            return null;
        var trace = new TraceContext(row.Text(0), row.TextOrNull(1));
        row.Reset();
        return trace;
    }

    /// <summary>The content with its trace.</summary>
    public MailContent With(Session session, QueuedMail ticket, MailContent content) =>
        Of(session, ticket.Id) is { } trace ? content with { Trace = trace } : content;
}
