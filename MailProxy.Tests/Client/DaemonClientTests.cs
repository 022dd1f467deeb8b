using System.Net;
using MailProxy.Daemon.Client;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Client;

/// <summary>What goes wrong between a client and a daemon, and what people are told of it.</summary>
[TestFixture]
internal sealed class DaemonClientTests
{
    [TestCase(401, "unauthorized", DaemonTrouble.Refused)]
    [TestCase(403, "admin_only", DaemonTrouble.Refused)]
    [TestCase(404, "not_found", DaemonTrouble.NotFound)]
    [TestCase(410, "purged", DaemonTrouble.NotFound)]
    [TestCase(409, "in_use", DaemonTrouble.Conflict)]
    [TestCase(412, "precondition_failed", DaemonTrouble.Conflict)]
    [TestCase(422, "invalid_search", DaemonTrouble.Invalid)]
    [TestCase(503, "overloaded", DaemonTrouble.Failed)]
    public void Problem_OfAStatus_IsThisTrouble(int status, string code, DaemonTrouble trouble)
    {
        var error = ProblemText.Of(
            (HttpStatusCode)status,
            $$"""{"type":"about:blank","title":"x","status":{{status}},"detail":"No.","code":"{{code}}"}"""
        );
        Assert.That((error.Trouble, error.Code), Is.EqualTo((trouble, code)));
        Assert.That(error.Message, Does.StartWith("No.").And.EndWith($"({code})"));
    }

    [Test]
    public void Problem_WithSeveralErrors_HasALineForEach()
    {
        const string Errors =
            """[{"pointer":"/port","code":"out_of_range","detail":"1 to 65535."},"""
            + """{"pointer":"/host","code":"required","detail":"Required."}]""";
        var body = $$"""{"type":"x","title":"x","status":422,"detail":"Mistakes.","code":"validation_failed","errors":{{Errors}}}""";
        var lines = ProblemText.Of(HttpStatusCode.UnprocessableEntity, body).Message.Split('\n');
        Assert.That(lines, Has.Length.EqualTo(2));
        Assert.That(lines[0], Does.StartWith("/port: 1 to 65535.").And.EndWith("(out_of_range)"));
    }

    [Test]
    public void Problem_OfAnotherProgram_AsksWhetherThisIsADaemon() =>
        Assert.That(
            ProblemText.Of(HttpStatusCode.BadGateway, "<html>").Message,
            Does.Contain("502").And.Contain("is this the address of a daemon?")
        );

    [Test]
    public void Server_NotThere_IsUnreachable()
    {
        using var client = Client($"http://127.0.0.1:{FreePort.Take()}", TimeSpan.FromSeconds(30));
        var error = Assert.ThrowsAsync<DaemonException>(() => client.GetAsync("v1/status", default));
        Assert.That((error!.Trouble, error.Message.Contains("cannot be reached")), Is.EqualTo((DaemonTrouble.Unreachable, true)));
    }

    [Test]
    public async Task Server_ThatDoesNotAnswer_IsUnreachableInTime()
    {
        await using var silent = await LoopbackWebhook.StartAsync();
        silent.Hang();
        using var client = Client(new Uri(silent.Url).GetLeftPart(UriPartial.Authority), TimeSpan.FromMilliseconds(200));
        var error = Assert.ThrowsAsync<DaemonException>(() => client.GetAsync("hook", default));
        Assert.That((error!.Trouble, error.Message.Contains("no answer within")), Is.EqualTo((DaemonTrouble.Unreachable, true)));
    }

    [Test]
    public async Task Answer_ThatIsNoJson_IsTold()
    {
        await using var other = await LoopbackWebhook.StartAsync();
        other.Answer = static async (_, http) => await http.Response.Body.WriteAsync("<html>"u8.ToArray());
        using var client = Client(new Uri(other.Url).GetLeftPart(UriPartial.Authority), TimeSpan.FromSeconds(30));
        var error = Assert.ThrowsAsync<DaemonException>(() => client.GetAsync("hook", default));
        Assert.That(error!.Message, Does.Contain("is not JSON"));
    }

    private static DaemonClient Client(string url, TimeSpan timeout) =>
        new(DaemonAddress.Parse(url)!, "key", null, timeout, TimeProvider.System);
}
