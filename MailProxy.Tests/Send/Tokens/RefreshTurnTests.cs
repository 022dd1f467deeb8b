using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send.Tokens;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send.Tokens;

/// <summary>Nodes use an account's refresh token one after the other.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class RefreshTurnTests
{
    private readonly FakeTokenEndpoint _endpoint = new();

    private static SmtpAccount WithRefresh =>
        FakeTokenEndpoint.Account(
            login: new()
            {
                TokenUrl = new("https://login.example/token"),
                ClientId = "c",
                RefreshToken = "first",
            }
        );

    [Test]
    public async Task RefreshToken_AnotherNodeUsesIt_WaitsAndAsksWithWhatThatNodeWasGiven()
    {
        var (free, looks) = (false, 0);
        _endpoint.IsTurnFree = () =>
        {
            looks++;
            return free;
        };
        var token = _endpoint.TextAsync(WithRefresh);
        await Eventually.BecomesAsync(() => Task.FromResult(looks), static looks => looks > 0);
        Assert.That(_endpoint.Forms, Is.Empty);

        _endpoint.Stored[WithRefresh.Key] = ("first", "of-the-other");
        free = true;
        await Eventually.BecomesAsync(
            () =>
            {
                _endpoint.Clock.Advance(TimeSpan.FromMilliseconds(200));
                return Task.FromResult(token.IsCompleted);
            },
            static done => done
        );
        Assert.That(await token, Is.EqualTo("token-1"));
        Assert.That(_endpoint.Forms.Single()["refresh_token"], Is.EqualTo("of-the-other"));
        Assert.That(_endpoint.TurnsHeld, Is.Zero);
    }

    [Test]
    public async Task RefreshToken_AnotherNodeKeepsTheTurn_IsTroubleOfTheAccount()
    {
        _endpoint.IsTurnFree = static () => false;
        var token = _endpoint.TextAsync(WithRefresh);
        await Eventually.BecomesAsync(
            () =>
            {
                _endpoint.Clock.Advance(TimeSpan.FromSeconds(5));
                return Task.FromResult(token.IsCompleted);
            },
            static done => done
        );
        Assert.That(Assert.ThrowsAsync<TokenException>(() => token)!.Kind, Is.EqualTo(TroubleKind.Connect));
        Assert.That(_endpoint.Forms, Is.Empty);
    }

    [Test]
    public async Task RefreshToken_CannotBeStored_IsNotLeftToOtherNodesUntilItIs()
    {
        _endpoint.Answer = (form, _) => Task.FromResult(_endpoint.Grant(more: $",\"refresh_token\":\"after-{form["refresh_token"]}\""));
        _endpoint.StoreFails = new IOException("no space");
        Assert.ThrowsAsync<TokenException>(() => _endpoint.TextAsync(WithRefresh));
        Assert.That(_endpoint.TurnsHeld, Is.EqualTo(1));

        _endpoint.StoreFails = null;
        _endpoint.Clock.Advance(TimeSpan.FromMinutes(2));
        await _endpoint.TextAsync(WithRefresh);
        Assert.That(_endpoint.TurnsHeld, Is.Zero);
    }
}
