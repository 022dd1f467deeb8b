using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MailProxy.Tests.Send;

/// <summary>
/// Two mails over one connection, the envelope of the second with the end of the first, and a server that does something odd at one step.
/// The mails are known by their senders.
/// </summary>
internal sealed class PipeliningRig : IAsyncDisposable
{
    // Much longer than the step in which time is made to pass, so that nothing else ends by it.
    private static readonly TimeSpan Minutes = TimeSpan.FromMinutes(10);

    private static readonly SmtpTimeouts Long = new()
    {
        Connect = Minutes,
        Greeting = Minutes,
        Command = Minutes,
        Mail = Minutes,
        Recipient = Minutes,
        DataInitiation = Minutes,
        DataBlock = Minutes,
        DataTermination = Minutes,
    };

    private readonly TaskCompletionSource<bool> _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<long, Task<bool>> _late = [];
    private long _held;

    public PipeliningRig(Func<Heard, Said?>? say = null, Func<SmtpAccount, SmtpAccount>? change = null, Func<Heard, Task>? wait = null)
    {
        Server = new(async heard =>
        {
            if (wait is not null)
                await wait(heard);
            return say?.Invoke(heard);
        });
        var account = Sample.Account(Server.Port) with { MaxConnections = 1 };
        Rig = new(change?.Invoke(account) ?? account, new() { Timeouts = Long }, mark: MarkAsync, clock: Clock);
    }

    public ScriptedSmtpServer Server { get; }
    public FakeTimeProvider Clock { get; } = new();
    public SendRig Rig { get; }

    /// <summary>How far the account's server is let ahead.</summary>
    public SmtpPipelining Now => Rig.Pool.PipeliningOf(Rig.Account).Now;

    public static string SenderOf(long id) => $"m{id}@x.example";

    /// <summary>
    /// Sends mails over one connection; when the last block of <paramref name="held"/> is to go out, all of them are there.
    /// </summary>
    public async Task PutAsync(long held, params long[] ids)
    {
        _held = held;
        foreach (var id in ids)
            await Rig.PutAsync(id, ContentOf(id));

        // Taken from the same channel after them, and sent over a connection of its own.
        await Rig.PutAsync(99, ContentOf(99), Rig.Account with { Key = new(8), Id = "other" });
        await Rig.OutcomeAsync(99);
        _goOn.TrySetResult(true);
    }

    /// <summary>The mark of this mail is there when the task has completed. Before the mails are put.</summary>
    public void MarkLate(long id, Task<bool> marked) => _late[id] = marked;

    public Task<Outcome> OutcomeAsync(long id) => Rig.OutcomeAsync(id);

    /// <summary>Lets time pass until nobody waits for the server any more: it, and the idle one of the other account, are gone.</summary>
    public async Task PassTimeAsync()
    {
        var gone = Server.Seen("GONE", 2);
        await Eventually.BecomesAsync(
            () =>
            {
                Clock.Advance(TimeSpan.FromSeconds(31));
                return Task.FromResult(gone.IsCompleted);
            },
            static isGone => isGone
        );
    }

    public async ValueTask DisposeAsync()
    {
        _goOn.TrySetResult(true);
        await Rig.DisposeAsync();
        await Server.DisposeAsync();
    }

    private static MailContent ContentOf(long id) => Sample.Content(sender: SenderOf(id));

    private Task<bool> MarkAsync(Mark mark) =>
        mark.Ticket.Id == _held ? _goOn.Task : _late.GetValueOrDefault(mark.Ticket.Id, Task.FromResult(true));
}
