namespace MailProxy.Daemon.Sandbox;

/// <summary>
/// One SMTP conversation, from greeting to QUIT: which command is allowed when, and how it is answered. Pure, except for the shared
/// attempt
/// counts.
/// </summary>
internal sealed class SandboxSession(int maxMessageBytes, AttemptCounter attempts)
{
    private const int MaxRecipients = 1000;
    private const int MaxMistakes = 20;

    public static readonly SandboxReply Greeting = SandboxReply.Of("220 sandbox.mailproxy ESMTP keeps what it gets");

    private static readonly SandboxReply Helo = SandboxReply.Of("250 sandbox.mailproxy");
    private static readonly SandboxReply Help = SandboxReply.Of("214 2.0.0 HELO EHLO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP");
    private static readonly SandboxReply NoHelo = SandboxReply.Of("503 5.5.1 EHLO first");
    private static readonly SandboxReply Syntax = SandboxReply.Of("501 5.5.4 Syntax error in argument");

    private readonly SandboxReply _ehlo = SandboxReply.Of(
        $"250-sandbox.mailproxy\r\n250-PIPELINING\r\n250-SIZE {maxMessageBytes}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 "
            + "ENHANCEDSTATUSCODES"
    );

    private readonly List<string> _recipients = [];
    private bool _greeted;
    private bool _extended;
    private bool _utf8;
    private int _mistakes;
    private (Rehearsal Rehearsal, int N)? _later;

    /// <summary>RFC 5321 reverse-path of the open transaction; null when there is none.</summary>
    public string? Sender { get; private set; }

    /// <summary>The accepted recipients of the open transaction.</summary>
    public IReadOnlyList<string> Recipients => _recipients;

    /// <summary>Whether the connection is to be closed in the middle of the transaction's body.</summary>
    public bool DropsBody => _later?.Rehearsal.Phase == RehearsalPhase.Body;

    /// <param name="line">One command without CR LF.</param>
    public SandboxReply Handle(ReadOnlySpan<byte> line)
    {
        var command = SmtpCommand.Parse(line);
        var reply = command.Verb switch
        {
            SmtpVerb.Ehlo or SmtpVerb.Helo => Greet(command),
            SmtpVerb.Mail => Mail(command),
            SmtpVerb.Rcpt => Rcpt(command),
            SmtpVerb.Data => Data(command),
            SmtpVerb.Rset => Alone(command, Reset),
            SmtpVerb.Quit => Alone(command, () => SandboxReply.Bye),
            SmtpVerb.Noop => SandboxReply.Ok,
            SmtpVerb.Vrfy => command.Argument.IsEmpty ? Syntax : SandboxReply.Of("252 2.1.5 Send some mail, I will see"),
            SmtpVerb.Help => Help,
            SmtpVerb.NotOffered => SandboxReply.Of("502 5.5.1 Command not offered"),
            _ => SandboxReply.Of("500 5.5.1 Command unknown"),
        };
        return Count(reply);
    }

    /// <summary>Counts commands refused because of their syntax, so that a client that does not speak SMTP is disconnected.</summary>
    public SandboxReply Count(SandboxReply reply)
    {
        if (!reply.Bytes.Span.StartsWith("50"u8))
            return reply;
        return ++_mistakes < MaxMistakes ? reply : SandboxReply.Of("421 4.7.0 Too many mistakes", SandboxStep.Close);
    }

    /// <summary>
    /// Called after the final dot: returns the reply, and whether the mail is kept in the mailbox. The caller must end the transaction
    /// with <see
    /// cref="EndTransaction"/>.
    /// </summary>
    public (SandboxReply Reply, bool Keep) EndOfData(DataDecoder data)
    {
        if (data.TooLarge)
            return (SandboxReply.Of("552 5.3.4 Message too large"), false);
        if (data.NoMemory)
            return (SandboxReply.Of("452 4.3.1 No memory for this message now"), false);
        if (data.BareLineFeed)
            return (SandboxReply.Of("554 5.6.0 A line of the message ends without CR"), false);
        return _later is var (rehearsal, n) ? (rehearsal.Play(n), rehearsal.Keeps) : (SandboxReply.Taken, true);
    }

    public void EndTransaction()
    {
        Sender = null;
        _recipients.Clear();
        _later = null;
        _utf8 = false;
    }

    private SandboxReply Greet(SmtpCommand command)
    {
        if (command.Argument.IsEmpty)
            return Syntax;
        EndTransaction();
        _greeted = true;
        _extended = command.Verb == SmtpVerb.Ehlo;
        return _extended ? _ehlo : Helo;
    }

    private SandboxReply Mail(SmtpCommand command)
    {
        if (!_greeted)
            return NoHelo;
        if (Sender is not null)
            return SandboxReply.Of("503 5.5.1 A transaction is open");
        if (!command.TryReadPath("FROM:"u8, out var path, out var parameters))
            return Syntax;
        if (!parameters.IsEmpty && !_extended)
            return SandboxReply.Of("555 5.5.4 Parameters need EHLO");
        if (SmtpParameters.RefuseMail(parameters, maxMessageBytes, out var utf8) is { } refusal)
            return SandboxReply.Of(refusal);
        var international = false;
        var sender = path.IsEmpty ? "" : SmtpPath.Read(path, out international);
        if (sender is null)
            return SandboxReply.Of("501 5.1.7 Sender address malformed");
        if (international && !utf8)
            return SandboxReply.Of("550 5.6.7 An international address needs SMTPUTF8");
        Sender = sender;
        _utf8 = utf8;
        return SandboxReply.MailOk;
    }

    private SandboxReply Rcpt(SmtpCommand command)
    {
        if (Sender is null)
            return SandboxReply.Of("503 5.5.1 MAIL first");
        if (!command.TryReadPath("TO:"u8, out var path, out var parameters))
            return Syntax;
        if (!parameters.IsEmpty && !_extended)
            return SandboxReply.Of("555 5.5.4 Parameters need EHLO");
        if (SmtpParameters.RefuseRcpt(parameters) is { } refusal)
            return SandboxReply.Of(refusal);
        if (SmtpPath.Read(path, out var international) is not { } recipient)
            return SandboxReply.Of("501 5.1.3 Recipient address malformed");
        if (international && !_utf8)
            return SandboxReply.Of("553 5.6.7 An international address needs SMTPUTF8");
        if (_recipients.Count == MaxRecipients)
            return SandboxReply.Of("452 4.5.3 Too many recipients");
        return Rehearse(recipient);
    }

    private SandboxReply Rehearse(string recipient)
    {
        if (Rehearsal.For(recipient) is not var (rehearsal, n))
            return Accept(recipient);
        if (rehearsal.Phase != RehearsalPhase.Rcpt)
        {
            _later ??= (rehearsal, n);
            return Accept(recipient);
        }

        var givesIn = rehearsal.Number switch
        {
            RehearsalNumber.Attempts => attempts.Next(recipient) > n,
            RehearsalNumber.Seconds => attempts.Next(recipient) > 1,
            _ => rehearsal.AcceptsFirst && _recipients.Count == 0,
        };
        if (givesIn)
            return Accept(recipient);
        if (rehearsal.AcceptsRecipient)
            _recipients.Add(recipient);
        return rehearsal.Play(n);
    }

    private SandboxReply Accept(string recipient)
    {
        _recipients.Add(recipient);
        return SandboxReply.RcptOk;
    }

    private SandboxReply Data(SmtpCommand command)
    {
        if (Sender is null)
            return SandboxReply.Of("503 5.5.1 MAIL first");
        if (!command.Argument.IsEmpty)
            return Syntax;
        return _recipients.Count == 0 ? SandboxReply.Of("554 5.5.1 No valid recipients") : SandboxReply.GoAhead;
    }

    private SandboxReply Reset()
    {
        EndTransaction();
        return SandboxReply.Ok;
    }

    private static SandboxReply Alone(SmtpCommand command, Func<SandboxReply> reply) => command.Argument.IsEmpty ? reply() : Syntax;
}
