using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>A conversation with Genropy over a restart, and over kill -9: nothing is lost, nothing is repeated without an end.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class GenropyTests : GenroFixture
{
    private const int Mails = 60;

    private static readonly (string, string)[] Variables =
    [
        ("GENRO__ENABLED", "true"),
        ("GENRO__ADMINTOKEN", Admin),
        ("NETWORK__ALLOWED__0", "127.0.0.0/8"),
        ("LOG__LEVEL", "Information"),
    ];

    private Genropy _genropy = null!;

    [SetUp]
    public void Prepare() => _genropy = new(_application, Mails);

    [Test]
    public async Task Conversation_OverARestart_LosesAndRepeatsNothing()
    {
        _genropy.Key = await MakeTenantAsync("acme");
        await MakeAccountAsync("acme");
        _genropy.Daemon = new Uri(_daemon.Url);
        _genropy.Begin();
        await _genropy.RunNowAsync();
        await _genropy.UntilToldAsync(Mails / 3);
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _daemon = await TestDaemon.StartAsync(_directory, Settings);
        _genropy.Daemon = new Uri(_daemon.Url);
        await EndAsync();
    }

    [Test]
    public async Task Conversation_OverKills_LosesAndRepeatsNothing()
    {
        using var directory = new TempDirectory();
        for (var life = 1; life <= 3; life++)
        {
            await using var daemon = DaemonProcess.Start(directory, Variables);
            await daemon.ListeningAsync();
            _genropy.Daemon = daemon.Http.BaseAddress;
            if (life == 1)
                await MakeAllAsync(daemon.Http.BaseAddress!);
            await _genropy.RunNowAsync();
            if (life == 3)
                await EndAsync();
            else
                await _genropy.UntilToldAsync(Mails * life / 4);
            await daemon.SignalAsync("KILL");
            await daemon.ExitAsync();
        }
    }

    private async Task MakeAllAsync(Uri url)
    {
        var (_, made) = await CallAsync(url, HttpMethod.Post, "/tenant", new { id = "acme", client_base_url = ApplicationUrl });
        _genropy.Key = (string)made!["api_key"]!;
        var account = new
        {
            id = "main",
            tenant_id = "acme",
            host = "127.0.0.1",
            port = _smtp.Port,
            use_tls = false,
        };
        await CallAsync(url, HttpMethod.Post, "/account", account);
        _genropy.Begin();
    }

    // It named the failed ones in every answer, which must not make them come again and again.
    private async Task EndAsync()
    {
        await _genropy.RunNowAsync();
        await _genropy.UntilToldAsync(Mails);
        var calls = _genropy.Calls;
        await _genropy.RunNowAsync();
        await Eventually.BecomesAsync(() => Task.FromResult(_genropy.Calls), now => now > calls);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_genropy.Faults, Is.Empty);
            Assert.That((_genropy.Told, _genropy.Failed, _genropy.Unsent), Is.EqualTo((Mails, Mails / 10, 0)));
            Assert.That(Entries(_application.Hits[^1]), Is.Empty);
        }
    }
}
