using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What each state allows, over HTTP: the actions, and the same id again.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class StateTests
{
    private static readonly Dictionary<string, string> Refused = new()
    {
        ["queued"] = "release:not_held",
        ["scheduled"] = "release:not_held",
        ["deferred"] = "release:not_held",
        ["held"] = "hold:already_held retry:held",
        ["sending"] = All("sending"),
        ["sent"] = All("already_final"),
        ["partially_sent"] = All("already_final"),
        ["ambiguous"] = All("already_final"),
        ["cancelled"] = All("already_final"),
        ["failed"] = "cancel:already_final hold:already_final release:already_final reschedule:already_final",
        ["expired"] = "cancel:already_final hold:already_final release:already_final reschedule:already_final",
    };

    private OneOfEachState _all = null!;

    [SetUp]
    public async Task Make() => _all = await OneOfEachState.MakeAsync();

    [TearDown]
    public async Task Drop() => await _all.DisposeAsync();

    [Test]
    public async Task Action_TheStateForbids_Is409WithItsCodeAndChangesNothing()
    {
        using var many = Assert.EnterMultipleScope();
        foreach (var (state, row) in Refused)
        {
            foreach (var pair in row.Split(' '))
            {
                var (action, code) = (pair.Split(':')[0], pair.Split(':')[1]);
                var (status, answer) = await ActAsync(state, action);
                Assert.That(
                    (status, (string?)answer["code"], (string?)answer["id"], (string?)answer["message_status"]),
                    Is.EqualTo((409, code, state, state)),
                    $"{action} of {state}"
                );
            }

            Assert.That(await StatusAsync(state), Is.EqualTo(state));
        }
    }

    [TestCase("hold", "queued:held scheduled:held deferred:held")]
    [TestCase("cancel", "queued:cancelled scheduled:cancelled held:cancelled deferred:cancelled")]
    [TestCase("retry", "queued:queued scheduled:queued deferred:queued failed:queued expired:queued")]
    [TestCase("reschedule", "queued:scheduled scheduled:scheduled held:held deferred:scheduled")]
    [TestCase("release", "held:queued")]
    public async Task Action_TheStateAllows_LeadsToTheNext(string action, string row)
    {
        using var many = Assert.EnterMultipleScope();
        foreach (var pair in row.Split(' '))
        {
            var (state, next) = (pair.Split(':')[0], pair.Split(':')[1]);
            var (status, answer) = await ActAsync(state, action);
            Assert.That((status, (string?)answer["status"]), Is.EqualTo((200, next)), $"{action} of {state}: {answer.ToJsonString()}");
            Assert.That(await StatusAsync(state), Is.EqualTo(next), $"{action} of {state}");
        }
    }

    [Test]
    public async Task Reschedule_BehindAnExpiry_MovesOneThatNobodyAskedForAndRefusesTheOther()
    {
        var far = DateTimeOffset.UtcNow.AddDays(40);
        var (moved, answer) = await ActAsync("queued", "reschedule", new { send_at = far });
        Assert.That((moved, (DateTimeOffset?)answer["expires_at"] > far), Is.EqualTo((200, true)));

        var (named, _) = await ActAsync("queued", "reschedule", new { send_at = far, expires_at = far.AddDays(1) });
        var (refused, problem) = await ActAsync("queued", "reschedule", new { send_at = far.AddDays(40) });
        Assert.That((named, refused, (string?)problem["code"]), Is.EqualTo((200, 409, "expires_before_send_at")));
    }

    [Test]
    public async Task Action_OnAnUnknownMessage_Is404()
    {
        foreach (var action in new[] { "cancel", "retry", "hold", "release", "reschedule" })
        {
            var (status, _) = await ActAsync("nobody", action);
            Assert.That(status, Is.EqualTo(404), action);
        }
    }

    [Test]
    public async Task SameId_SameContent_AnswersTheStateAndChangesNothingUnlessItEndedUnsent()
    {
        using var many = Assert.EnterMultipleScope();
        foreach (var state in OneOfEachState.States)
        {
            if (state == "expired")
                continue; // its expires_at is over: the same content is refused
            var (status, answer) = await PostAsync(OneOfEachState.Mail(state));
            var anew = state is "failed" or "cancelled";
            Assert.That((status, (string?)answer["status"]), Is.EqualTo((202, anew ? "queued" : state)), state);
            Assert.That(await StatusAsync(state), Is.EqualTo(anew ? "queued" : state));
        }
    }

    [Test]
    public async Task SameId_OtherContent_ReplacesBeforeAnAttemptAndIsRefusedAfter()
    {
        using var many = Assert.EnterMultipleScope();
        foreach (var state in OneOfEachState.States)
        {
            var (status, answer) = await PostAsync(OneOfEachState.Mail(state, "other"));
            if (state is "sending" or "sent" or "partially_sent" or "ambiguous")
            {
                var code = state == "sending" ? "sending" : "already_sent";
                Assert.That(
                    (status, (string?)answer["code"], (string?)answer["id"], (string?)answer["message_status"]),
                    Is.EqualTo((409, code, state, state)),
                    state
                );
                Assert.That(await StatusAsync(state), Is.EqualTo(state));
                continue;
            }

            Assert.That(status, Is.EqualTo(202), $"{state}: {answer.ToJsonString()}");
            var message = await _all.Daemon.GetAsync($"/v1/messages/{state}");
            Assert.That((int)message["revision"]!, Is.EqualTo(2), state);
            Assert.That((int)message["attempts"]!, Is.Zero, state);
            Assert.That((string)message["status"]!, Is.EqualTo(state is "scheduled" or "held" ? state : "queued"), state);
        }
    }

    private static string All(string code) =>
        string.Join(' ', new[] { "cancel", "retry", "hold", "release", "reschedule" }.Select(action => $"{action}:{code}"));

    private async Task<(int Status, JsonNode Answer)> ActAsync(string id, string action, object? body = null)
    {
        using var answer = await _all.ActAsync(
            id,
            action,
            action == "reschedule" ? body ?? new { send_at = DateTimeOffset.UtcNow.AddDays(1) } : body
        );
        return ((int)answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!);
    }

    private async Task<(int Status, JsonNode Answer)> PostAsync(object mail)
    {
        using var answer = await _all.PostAsync(mail);
        return ((int)answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!);
    }

    private async Task<string> StatusAsync(string id) => (string)(await _all.Daemon.GetAsync($"/v1/messages/{id}"))["status"]!;
}
