using System.Net;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>A connection to a scripted server.</summary>
internal abstract class SmtpConnectionFixture
{
    protected static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    protected ScriptedSmtpServer _server = null!;
    protected SendOptions _options = null!;

    [SetUp]
    public void SetUp()
    {
        _server = new();
        _options = new();
    }

    [TearDown]
    public async Task TearDown() => await _server.DisposeAsync();

    protected Task<SmtpConnection> OpenAsync(SmtpAccount account) =>
        SmtpConnection
            .OpenAsync(account, new IPEndPoint(IPAddress.Loopback, account.Port), _options, TimeProvider.System, CancellationToken.None)
            .WaitAsync(Generous);

    protected async Task<TransactionResult> TransactAsync(MailContent content, Task<bool>? mark = null, CancellationToken abort = default)
    {
        var (connection, result) = await OpenAndTransactAsync(content, mark, abort: abort);
        await connection.DisposeAsync();
        return result;
    }

    protected async Task<(SmtpConnection Connection, TransactionResult Result)> OpenAndTransactAsync(
        MailContent content,
        Task<bool>? mark = null,
        SmtpAccount? account = null,
        CancellationToken abort = default
    )
    {
        var connection = await OpenAsync(account ?? Sample.Account(_server.Port));
        using var rendered = new MimeComposer(_options).Compose(content, [], [], null);
        return (
            connection,
            await connection
                .TransactAsync(new(Envelope.Of(content), rendered), Sample.Mark(mark, content), null, abort, abort)
                .WaitAsync(Generous, CancellationToken.None)
        );
    }
}
