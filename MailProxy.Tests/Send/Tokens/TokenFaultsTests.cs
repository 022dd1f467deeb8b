using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send.Tokens;

/// <summary>A token endpoint with every misbehaviour, again and again: mail waits, the account says why, and then it goes.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class TokenFaultsTests
{
    private const int Faults = 10_000;

    private readonly FakeTokenEndpoint _endpoint = new();
    private readonly SemaphoreSlim _silent = new(0);

    [TearDown]
    public void End() => _silent.Dispose();

    [Test]
    public async Task Refresh_TenThousandFaults_NoMessageFails()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => "250-odd\r\n250 AUTH XOAUTH2",
                "AUTH" => "235 ok",
                _ => null,
            }
        );
        var faults = 0;
        var random = new Random(14);
        _endpoint.Answer = (_, cancel) => ++faults > Faults ? Task.FromResult(_endpoint.Grant()) : FaultAsync(random.Next(12), cancel);
        await using var rig = new SendRig(FakeTokenEndpoint.Account(server.Port), tokens: _endpoint.Tokens);

        var silence = _silent.WaitAsync();
        var kinds = new HashSet<TroubleKind>();
        for (long id = 1; ; id++)
        {
            var sending = rig.SendAsync(id);

            // An endpoint that does not answer ends by the clock.
            if (await Task.WhenAny(sending, silence) != sending)
            {
                silence = _silent.WaitAsync();
                _endpoint.Clock.Advance(TimeSpan.FromSeconds(21));
            }

            var outcome = await sending;
            if (outcome is Outcome.Attempted)
                break;
            Assert.That(outcome, Is.TypeOf<Outcome.AccountToBlame>());
            var trouble = ((Outcome.AccountToBlame)outcome).Trouble;
            Assert.That(trouble.Reply, Does.StartWith("The token endpoint login.example:443").And.Not.Contain("s3cr3t"));
            kinds.Add(trouble.Kind);
            _endpoint.Clock.Advance(TimeSpan.FromHours(2));
        }

        Assert.That(faults, Is.EqualTo(Faults + 1));
        Assert.That(rig.Items.OfType<Outcome.Attempted>().Count(), Is.EqualTo(1));
        Assert.That(rig.Permits.Values, Has.All.Matches<Sample.Permit>(static permit => permit.Disposed));
        Assert.That(
            kinds,
            Is.EquivalentTo(
                new[]
                {
                    TroubleKind.Authentication,
                    TroubleKind.Connect,
                    TroubleKind.Throttled,
                    TroubleKind.Protocol,
                    TroubleKind.Configuration,
                }
            )
        );
        Assert.That(server.Connections, Is.EqualTo(1), "without a token no server is bothered");
    }

    private async Task<HttpResponseMessage> FaultAsync(int which, CancellationToken cancel)
    {
        switch (which)
        {
            case 0:
                _silent.Release();
                await Task.Delay(Timeout.InfiniteTimeSpan, cancel);
                throw new InvalidOperationException("It was cancelled before.");
            case 1:
                return FakeTokenEndpoint.Json(500, "<html>");
            case 2:
                var busy = FakeTokenEndpoint.Json(429, "{}");
                busy.Headers.TryAddWithoutValidation("Retry-After", "30");
                return busy;
            case 3:
                return FakeTokenEndpoint.Json(400, """{"error":"invalid_grant","error_description":"s3cr3t-words"}""");
            case 4:
                return FakeTokenEndpoint.Json(200, "<html>");
            case 5:
                return FakeTokenEndpoint.Json(200, """{"access_token":"\u0000"}""");
            case 6:
                throw new HttpRequestException("reset", new System.Net.Sockets.SocketException(104));
            case 7:
                return FakeTokenEndpoint.Json(200, new string(' ', 200_000));
            case 8:
                throw new IOException("s3cr3t-words");
            case 9:
                return FakeTokenEndpoint.Json(404, "");
            case 10:
                return FakeTokenEndpoint.Json(302, "");
            default:
                return FakeTokenEndpoint.Json(503, "");
        }
    }
}
