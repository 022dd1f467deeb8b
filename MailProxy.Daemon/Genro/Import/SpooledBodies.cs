using System.Collections.Concurrent;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Bodies that are too large for a row, in files that go when the import does not succeed.</summary>
/// <param name="write">Null: nothing is kept, so nothing is written.</param>
internal sealed class SpooledBodies(Func<ReadOnlyMemory<byte>, Task<string>>? write, Action<string> delete, int threshold)
{
    // Names of a file that nobody opens: what it stands in is undone.
    private const string Nowhere = "nowhere";

    private readonly ConcurrentBag<string> _written = [];

    public async ValueTask<JudgedRow> WriteAsync(JudgedRow item)
    {
        if (item.Mail is not { } imported || imported.State.IsFinal() || imported.Mail.Body.Size <= threshold)
            return item;
        var file = write is null ? Nowhere : await write(imported.Mail.Body.Inline);
        if (write is not null)
            _written.Add(file);
        var body = new StoredBody(default, file, imported.Mail.Body.Size);
        return item with { Mail = imported with { Mail = imported.Mail with { Body = body } } };
    }

    public void Drop()
    {
        foreach (var file in _written)
            delete(file);
    }
}
