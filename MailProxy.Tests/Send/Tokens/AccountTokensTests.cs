using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send.Tokens;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send.Tokens;

/// <summary>Tokens of an account: asked for once, ahead of their end, not too often, and rotated safely.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AccountTokensTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private readonly FakeTokenEndpoint _endpoint = new();

    private static SmtpAccount Account => FakeTokenEndpoint.Account();

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
    public async Task Get_ManyAtOnce_AskOnceAndShare()
    {
        var held = new TaskCompletionSource();
        _endpoint.Answer = async (_, _) =>
        {
            await held.Task;
            return _endpoint.Grant();
        };
        var all = Enumerable.Range(0, 100).Select(_ => _endpoint.TextAsync(Account)).ToArray();
        held.SetResult();
        Assert.That((await Task.WhenAll(all)).Distinct(), Is.EqualTo(new[] { "token-1" }));
        Assert.That(_endpoint.Forms, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Get_NearTheEnd_RefreshesAheadWhileTheOldOneServes()
    {
        var (first, _) = await _endpoint.Tokens.GetAsync(Account, null, false, default);
        _endpoint.Clock.Advance(TimeSpan.FromMinutes(50));
        Assert.That(await _endpoint.TextAsync(Account), Is.EqualTo("token-1"));
        Assert.That(_endpoint.Forms, Has.Count.EqualTo(1), "not due yet");

        var held = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        _endpoint.Answer = async (_, _) =>
        {
            asked.TrySetResult();
            await held.Task;
            return _endpoint.Grant();
        };
        _endpoint.Clock.Advance(TimeSpan.FromMinutes(4));
        Assert.That(await _endpoint.TextAsync(Account), Is.EqualTo("token-1"), "nobody waits for the new one");
        await asked.Task.WaitAsync(Generous);
        Assert.That(await _endpoint.TextAsync(Account), Is.EqualTo("token-1"));
        var next = _endpoint.Tokens.GetAsync(Account, first, false, default);
        held.SetResult();
        Assert.That((await next.WaitAsync(Generous)).Token.Text, Is.EqualTo("token-2"));
        Assert.That(_endpoint.Forms, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Get_RefreshAheadFails_TheOldOneServesToItsEnd()
    {
        await _endpoint.TextAsync(Account);
        _endpoint.Answer = static (_, _) => Task.FromResult(FakeTokenEndpoint.Json(503, "{}"));
        _endpoint.Clock.Advance(TimeSpan.FromMinutes(54));
        for (var i = 0; i < 10; i++)
        {
            Assert.That(await _endpoint.TextAsync(Account), Is.EqualTo("token-1"));
            _endpoint.Clock.Advance(TimeSpan.FromSeconds(20));
        }

        _endpoint.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.ThrowsAsync<TokenException>(() => _endpoint.TextAsync(Account));
    }

    [TestCase("", 1)]
    [TestCase("120", 120)]
    [TestCase("86400", 3_600)]
    [TestCase("-5", 1)]
    public async Task Get_AfterAFailure_WaitsBeforeItAsksAgain(string retryAfter, int seconds)
    {
        _endpoint.Answer = (_, _) =>
        {
            var answer = FakeTokenEndpoint.Json(429, "");
            if (retryAfter.Length > 0)
                answer.Headers.TryAddWithoutValidation("Retry-After", retryAfter);
            return Task.FromResult(answer);
        };
        Assert.ThrowsAsync<TokenException>(() => _endpoint.TextAsync(Account));
        var failure = Assert.ThrowsAsync<TokenException>(() => _endpoint.TextAsync(Account))!;
        Assert.That(_endpoint.Forms, Has.Count.EqualTo(1), "not asked again");
        Assert.That((failure.Kind, failure.RetryAfter), Is.EqualTo((TroubleKind.Throttled, (TimeSpan?)TimeSpan.FromSeconds(seconds))));

        _endpoint.Answer = (_, _) => Task.FromResult(_endpoint.Grant());
        _endpoint.Clock.Advance(TimeSpan.FromSeconds(seconds));
        Assert.That(await _endpoint.TextAsync(Account), Is.EqualTo("token-1"));
    }

    [Test]
    public async Task Get_ThePersonChangesTheSecret_AsksAtOnce()
    {
        _endpoint.Answer = static (_, _) => Task.FromResult(FakeTokenEndpoint.Json(401, """{"error":"invalid_client"}"""));
        Assert.ThrowsAsync<TokenException>(() => _endpoint.TextAsync(Account));
        _endpoint.Answer = (_, _) => Task.FromResult(_endpoint.Grant());
        Assert.That(
            await _endpoint.TextAsync(Account with { OAuth = Account.OAuth! with { ClientSecret = "another" } }),
            Is.EqualTo("token-1")
        );
        Assert.That(await _endpoint.TextAsync(Account), Is.EqualTo("token-2"), "a token of another login is of no use");
        Assert.That(
            (await _endpoint.Tokens.GetAsync(Account, null, true, default)).Token.Text,
            Is.EqualTo("token-3"),
            "a person who tries gets a new one"
        );
    }

    [Test]
    public async Task Get_TokenRefusedByMany_IsRenewedOnce()
    {
        var (token, isFresh) = await _endpoint.Tokens.GetAsync(Account, null, false, default);
        Assert.That(isFresh, Is.True);
        var again = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => _endpoint.Tokens.GetAsync(Account, token, false, default).WaitAsync(Generous))
        );
        Assert.That(again.Select(static one => one.Token.Text).Distinct(), Is.EqualTo(new[] { "token-2" }));
        Assert.That(again, Has.All.Matches<(AccessToken, bool IsFresh)>(static one => one.IsFresh));
        Assert.That(_endpoint.Forms, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Get_WaiterGivesUp_TheOthersGetTheToken()
    {
        var held = new TaskCompletionSource();
        _endpoint.Answer = async (_, _) =>
        {
            await held.Task;
            return _endpoint.Grant();
        };
        using var abort = new CancellationTokenSource();
        var impatient = _endpoint.Tokens.GetAsync(Account, null, false, abort.Token);
        var patient = _endpoint.TextAsync(Account);
        await abort.CancelAsync();
        Assert.CatchAsync<OperationCanceledException>(() => impatient);
        held.SetResult();
        Assert.That(await patient, Is.EqualTo("token-1"));
    }

    [Test]
    public async Task RefreshToken_Rotated_IsStoredBeforeTheTokenIsUsedAndAskedWithNext()
    {
        _endpoint.Answer = (form, _) =>
        {
            Assert.That(form["grant_type"], Is.EqualTo("refresh_token"));
            return Task.FromResult(_endpoint.Grant(more: $",\"refresh_token\":\"after-{form["refresh_token"]}\""));
        };
        await _endpoint.TextAsync(WithRefresh);
        Assert.That(_endpoint.Stored[WithRefresh.Key], Is.EqualTo(("first", "after-first")));
        _endpoint.Clock.Advance(TimeSpan.FromHours(1));
        await _endpoint.TextAsync(WithRefresh);
        Assert.That(_endpoint.Forms.Select(static form => form["refresh_token"]), Is.EqualTo(new[] { "first", "after-first" }));

        var given = WithRefresh with { OAuth = WithRefresh.OAuth! with { RefreshToken = "second" } };
        await _endpoint.TextAsync(given);
        Assert.That(_endpoint.Forms.Last()["refresh_token"], Is.EqualTo("second"), "what a person sets counts");
    }

    [Test]
    public async Task Keep_PasswordAndTokensAgainWhileOneIsAskedFor_TheRefreshTokenIsUsedOnceAtATime()
    {
        var held = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        _endpoint.Answer = async (form, _) =>
        {
            asked.TrySetResult();
            await held.Task;
            return _endpoint.Grant(more: $",\"refresh_token\":\"after-{form["refresh_token"]}\"");
        };
        var before = _endpoint.TextAsync(WithRefresh);
        await asked.Task.WaitAsync(Generous);
        var password = WithRefresh with { OAuth = null };
        _endpoint.Tokens.Keep(new AccountDirectory([password], null));
        var again = _endpoint.TextAsync(WithRefresh);
        held.SetResult();

        Assert.That((await before, await again), Is.EqualTo(("token-1", "token-1")));
        Assert.That(_endpoint.Forms.Select(static form => form["refresh_token"]), Is.EqualTo(new[] { "first" }));

        // When nothing is asked for any more it goes: the next token is another.
        Task<string> KeepAndAsk()
        {
            _endpoint.Tokens.Keep(new AccountDirectory([password], null));
            return _endpoint.TextAsync(WithRefresh);
        }

        await Eventually.BecomesAsync(KeepAndAsk, static token => token == "token-2");
    }

    [Test]
    public async Task RefreshToken_CannotBeStored_IsNotUsedAndNotLost()
    {
        _endpoint.Answer = (form, _) => Task.FromResult(_endpoint.Grant(more: $",\"refresh_token\":\"after-{form["refresh_token"]}\""));
        _endpoint.StoreFails = new IOException("no space");
        Assert.ThrowsAsync<TokenException>(() => _endpoint.TextAsync(WithRefresh));
        _endpoint.StoreFails = null;
        _endpoint.Clock.Advance(TimeSpan.FromMinutes(2));
        await _endpoint.TextAsync(WithRefresh);
        Assert.That(_endpoint.Forms.Select(static form => form["refresh_token"]), Is.EqualTo(new[] { "first", "after-first" }));
        Assert.That(_endpoint.Stored[WithRefresh.Key], Is.EqualTo(("first", "after-after-first")));
    }

    [TestCase(3_600)]
    [TestCase(-3_600)]
    public async Task Assertion_ClockOffByAnHour_GoesByTheServersClock(int seconds)
    {
        var account = FakeTokenEndpoint.Account(
            login: new() { Preset = OAuthPreset.Google, ServiceAccountKey = TokenGrantTests.KeyFile() }
        );
        _endpoint.Answer = (form, _) =>
        {
            var theirs = _endpoint.Clock.GetUtcNow().AddSeconds(seconds);
            var issued = TokenGrantTests.Claims(form["assertion"]).GetProperty("iat").GetInt64();
            var answer =
                Math.Abs(issued - theirs.ToUnixTimeSeconds()) < 60
                    ? _endpoint.Grant()
                    : FakeTokenEndpoint.Json(400, """{"error":"invalid_grant","error_description":"Invalid JWT: check your iat"}""");
            answer.Headers.Date = theirs;
            return Task.FromResult(answer);
        };
        Assert.That(await _endpoint.TextAsync(account), Is.EqualTo("token-1"));
        _endpoint.Clock.Advance(TimeSpan.FromHours(1));
        await _endpoint.TextAsync(account);
        Assert.That(_endpoint.Forms, Has.Count.EqualTo(3), "the next time it is known");
    }

    [TestCase("granted", "", 200)]
    [TestCase("refused", """{"error":"invalid_grant"}""", 400)]
    [TestCase("failed", "<html>", 200)]
    public async Task Get_EachResult_IsCounted(string result, string body, int status)
    {
        if (result != "granted")
            _endpoint.Answer = (_, _) => Task.FromResult(FakeTokenEndpoint.Json(status, body));
        await _endpoint.TextAsync(Account).ContinueWith(static done => done.IsFaulted, TaskScheduler.Default);
        Assert.That(_endpoint.Metrics.TokenRequests.WithLabels("default", "relay", result).Value, Is.EqualTo(1));
    }
}
