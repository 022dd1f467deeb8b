using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class ActionRoutesTests
{
    private const long At = 1_893_553_445_000;
    private static readonly AccountKey Account = new(7);

    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _host = await ApiHost.StartAsync();
        _host.Queries.Views.Add(
            new(
                1,
                new("default", "m-1"),
                MessageState.Queued,
                1,
                Account,
                Priority.Medium,
                "a@x.example",
                null,
                At,
                null,
                At + 1,
                null,
                0,
                null,
                false,
                "<m@x>",
                null,
                null,
                null,
                AmbiguousPolicy.Retry,
                []
            )
        );
        _host.Store.Result = _ => new ChangeResult.Done(MessageState.Queued, Lanes.Of(Account), 123, At + 9);
    }

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    public static IEnumerable<TestCaseData> Actions()
    {
        yield return new("cancel", null, new MessageChange.Cancel());
        yield return new("retry", null, new MessageChange.Retry(At + 432_000_000));
        yield return new("hold", null, new MessageChange.Hold());
        yield return new("release", null, new MessageChange.Release());
        yield return new("reschedule", """{"send_at":"2030-01-02T03:05:05+00:00"}""", new MessageChange.Reschedule(At + 60_000));
        yield return new("reschedule", """{"send_at":1893553505}""", new MessageChange.Reschedule(At + 60_000));
        yield return new(
            "reschedule",
            """{"send_at":1893553505,"expires_at":1893553565}""",
            new MessageChange.Reschedule(At + 60_000, At + 120_000)
        );
    }

    [TestCaseSource(nameof(Actions))]
    public async Task Post_Done_ChangedWokenAndAnswered(string action, string? body, MessageChange change)
    {
        using var answer = await _host.SendAsync("POST", $"/v1/messages/m-1/{action}", body);

        Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await answer.JsonAsync()).GetProperty("id").GetString(), Is.EqualTo("m-1"));
            Assert.That(_host.Store.Changes.Single(), Is.EqualTo((new MessageKey("default", "m-1"), change)));
            Assert.That(_host.Wake.Drain().DueByLane, Is.EqualTo(new Dictionary<LaneKey, long> { [Lanes.Of(Account)] = 123 }));
            Assert.That(_host.Dispatcher, Is.EqualTo(new[] { $"expiry {At + 9}" }));
        }
    }

    [Test]
    public async Task Post_DoneAndNothingDue_NobodyIsWoken()
    {
        _host.Store.Result = _ => new ChangeResult.Done(MessageState.Cancelled, Lanes.Of(Account), long.MaxValue, long.MaxValue);
        using var answer = await _host.SendAsync("POST", "/v1/messages/m-1/cancel");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(_host.Wake.Drain().DueByLane, Is.Empty);
        Assert.That(_host.Dispatcher, Is.Empty);
    }

    [TestCase("cancel")]
    [TestCase("retry")]
    [TestCase("hold")]
    [TestCase("release")]
    [TestCase("reschedule")]
    public async Task Post_StateForbids_409WithCodeAndState(string action)
    {
        _host.Store.Result = _ => new ChangeResult.Conflict("sending", MessageState.Sending);
        using var answer = await _host.SendAsync(
            "POST",
            $"/v1/messages/m-1/{action}",
            action == "reschedule" ? """{"send_at":1893553505}""" : null
        );
        var problem = await answer.ProblemAsync(409, "sending");
        Assert.That(problem.GetProperty("message_status").GetString(), Is.EqualTo("sending"));
        Assert.That(problem.GetProperty("id").GetString(), Is.EqualTo("m-1"));
    }

    [Test]
    public async Task Post_Unknown_404()
    {
        _host.Store.Result = _ => new ChangeResult.NotFound();
        using var answer = await _host.SendAsync("POST", "/v1/messages/m-1/cancel");
        await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Post_BodyPurged_410()
    {
        _host.Store.Result = _ => new ChangeResult.Purged();
        using var answer = await _host.SendAsync("POST", "/v1/messages/m-1/retry");
        await answer.ProblemAsync(410, "purged");
    }

    [TestCase("{}", 422, "/send_at")]
    [TestCase("""{"send_at":null}""", 422, "/send_at")]
    [TestCase("""{"send_at":"tomorrow"}""", 422, "/send_at")]
    [TestCase("""{"send_at":"2030-01-02T03:05:05"}""", 422, "/send_at")]
    [TestCase("""{"send_at":-1}""", 422, "/send_at")]
    [TestCase("""{"send_at":1893553505000000}""", 422, "/send_at")]
    [TestCase("""{"send_at":1893553505,"why":1}""", 422, "/why")]
    [TestCase("", 400, null)]
    [TestCase("[]", 400, null)]
    [TestCase("""{"send_at":1,"send_at":2}""", 400, null)]
    public async Task Reschedule_WrongBody_RefusedWithPointer(string body, int status, string? pointer)
    {
        using var answer = await _host.SendAsync("POST", "/v1/messages/m-1/reschedule", body);
        var problem = await answer.JsonAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), problem.ToString());
        Assert.That(problem.Pointers(), Is.EqualTo(pointer is null ? [] : new[] { pointer }));
        Assert.That(_host.Store.Changes, Is.Empty);
    }
}
