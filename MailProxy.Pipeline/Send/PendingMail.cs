using System.Runtime.ExceptionServices;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Send;

/// <summary>A mail from its arrival in the stage until its outcome is handed on: its mark, and what goes over the wire.</summary>
internal sealed class PendingMail(ResolvedMail mail, SendRun run)
{
    private ExceptionDispatchInfo? _unprepared;

    public ResolvedMail Mail => mail;

    public AttemptMark Mark { get; } = new(mail, run.Marks, run.Clock);

    public string Tenant => mail.Account.Tenant;

    /// <summary>When it arrived, by the clock's timestamps.</summary>
    public long Arrived { get; } = run.Clock.GetTimestamp();

    /// <summary>The mail as it goes out, once it is prepared.</summary>
    public Outgoing? Outgoing { get; private set; }

    /// <summary>All of it is on its way over the connection that it was chosen for.</summary>
    public bool IsOut { get; set; }

    /// <summary>
    /// Asks for the mark before its turn where that may be, so that it need not wait for the disk when that comes. What goes wrong is told
    /// by <see cref="Demand"/>.
    /// </summary>
    public void MarkEarly()
    {
        try
        {
            if (run.Options.Ahead > 0 && Mark.MayBeEarly)
                Mark.Request();
        }
        catch (Exception error)
        {
            _unprepared = ExceptionDispatchInfo.Capture(error);
        }
    }

    /// <summary>Renders it, once. What goes wrong is told by <see cref="Demand"/>.</summary>
    public async ValueTask PrepareAsync()
    {
        if (Outgoing is not null || _unprepared is not null)
            return;
        try
        {
            run.Abort.ThrowIfCancellationRequested();
            Outgoing = new(Envelope.Of(mail.Content), await run.Rendering.RenderAsync(mail, run.Abort));
        }
        catch (Exception error)
        {
            _unprepared = ExceptionDispatchInfo.Capture(error);
        }
    }

    /// <summary>The same, of a mail that is not large. False: it cannot go out.</summary>
    public bool Prepare()
    {
        var preparing = PrepareAsync();
        return preparing.IsCompletedSuccessfully && Outgoing is not null;
    }

    /// <summary>Once it is prepared: whether it may go out whole behind another one.</summary>
    public bool MayFollowWhole(SmtpOffers offers)
    {
        if (!ChunkedMails.Takes(Outgoing!.Mail) || !Outgoing.Fits(offers) || !SmtpCommands.MayBePut(Outgoing.Envelope))
            return false;
        try
        {
            ChunkedMails.Check(Outgoing.Mail);
            return true;
        }
        catch (UnsendableException)
        {
            return false; // its own turn tells
        }
    }

    /// <summary>What was prepared.</summary>
    /// <exception cref="Exception">Whatever went wrong.</exception>
    public Outgoing Demand()
    {
        _unprepared?.Throw();
        return Outgoing ?? throw new InvalidOperationException("A mail that nobody prepared.");
    }

    /// <summary>Its permit, its memory, and what was rendered. Once, when its outcome is known or nobody wants to know.</summary>
    public void GiveBack()
    {
        Outgoing?.Mail.Dispose();
        mail.Due.Permit.Dispose();
        mail.Charge.Dispose();
    }
}
