using System.Net.Sockets;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send;

/// <summary>A conversation up to where mail may be sent: TLS at once (RFC 8314), greeting, EHLO or HELO (RFC 5321), STARTTLS (RFC 3207),
/// AUTH (RFC 4954). Remembers how far it came.</summary>
/// <param name="transcript">Takes down what is said; null: nobody does.</param>
internal sealed class SmtpOpening(
    Socket socket,
    SmtpAccount account,
    SendOptions options,
    string hello,
    PhaseClock clock,
    Transcript? transcript = null
) : IAsyncDisposable
{
    private readonly ServerName _server = ServerName.Of(account);
    private SmtpDialogue _dialogue = new(new NetworkStream(socket, ownsSocket: false), clock, transcript);

    /// <summary>Logs in with this instead of the account's password.</summary>
    public string? Token { get; init; }

    public SmtpDialogue Dialogue => _dialogue;

    public SmtpOffers Offers { get; private set; } = SmtpOffers.None;

    /// <summary>The TLS version once the connection is protected, also when it is closed by now.</summary>
    public string? TlsVersion { get; private set; }

    /// <exception cref="Exception">Whatever went wrong; see <see cref="OpenTrouble"/>.</exception>
    public async Task RunAsync()
    {
        var security = account.Sandbox ? SmtpSecurity.None : account.Security;
        if (security == SmtpSecurity.Tls)
            await ProtectAsync();

        clock.Enter(SmtpPhase.Greeting);
        Demand(await _dialogue.Replies.ReadAsync(clock.Token), 220, SmtpPhase.Greeting);
        await HelloAsync();
        if (security is SmtpSecurity.StartTls or SmtpSecurity.StartTlsWhenAvailable)
            await StartTlsAsync(security);
        var mayShow = TlsVersion is not null || security == SmtpSecurity.None;
        transcript?.Hide(account.Password ?? "");
        transcript?.Hide(Token ?? "");
        if (account is { Sandbox: false, User: { } named, OAuth: not null } && Token is { } token)
            await SmtpTokenLogin.RunAsync(_dialogue, Offers, named, token, mayShow, clock, _server);
        else if (account is { Sandbox: false, User: { } user, Password: { } password })
            await SmtpLogin.RunAsync(_dialogue, Offers, user, password, mayShow, clock, _server);

        if (_dialogue.Replies.HasLeftovers)
            Demand(await _dialogue.UnaskedAsync(), 0, clock.Phase);
        clock.Enter(SmtpPhase.Idle);
    }

    public async ValueTask DisposeAsync() => await _dialogue.Stream.DisposeAsync();

    private async Task HelloAsync()
    {
        clock.Enter(SmtpPhase.Hello);
        var lines = new List<string>();
        var reply = await _dialogue.AskAsync($"EHLO {hello}", lines);
        if (reply.Code == 250)
        {
            Offers = new(lines);
            return;
        }

        // A server that does not know EHLO knows HELO (RFC 5321 section 3.2). What it said to EHLO counts when it hangs up meanwhile.
        if (!reply.IsPermanent || _dialogue.Replies.HasLeftovers)
            throw new SmtpOpenException(SmtpPhase.Hello, reply, false, reply.Text);
        Offers = SmtpOffers.None;
        try
        {
            clock.Enter(SmtpPhase.Hello);
            Demand(await _dialogue.AskAsync($"HELO {hello}"), 250, SmtpPhase.Hello);
        }
        catch (IOException)
        {
            throw new SmtpOpenException(SmtpPhase.Hello, reply, false, reply.Text);
        }
    }

    private async Task StartTlsAsync(SmtpSecurity security)
    {
        if (!Offers.StartTls)
        {
            if (security == SmtpSecurity.StartTlsWhenAvailable)
                return;
            throw new SmtpOpenException(SmtpPhase.StartTls, null, false, _server.NoStartTls());
        }

        clock.Enter(SmtpPhase.StartTls);
        Demand(await _dialogue.AskAsync("STARTTLS"), 220, SmtpPhase.StartTls);
        if (_dialogue.Replies.HasLeftovers)
        {
            throw new SmtpGarbageException("The server sent more after it had agreed to STARTTLS; it could be somebody else's words.");
        }

        // What was said in the clear counts no more (RFC 3207 section 4.2).
        Offers = SmtpOffers.None;
        await ProtectAsync();
        await HelloAsync();
    }

    private async Task ProtectAsync()
    {
        clock.Enter(SmtpPhase.Handshake);
        var tls = await SmtpTls.HandshakeAsync(_dialogue.Stream, account, options, clock);
        (_dialogue, TlsVersion) = (new(tls, clock, transcript), SmtpTls.VersionOf(tls));
        transcript?.Note($"{TlsVersion} begins.");
    }

    private static void Demand(SmtpReply reply, int code, SmtpPhase phase)
    {
        if (reply.Code != code)
            throw new SmtpOpenException(phase, reply, false, reply.Text);
    }
}
