using System.Text;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>No credential is in what is kept, nor anything that it could be computed from, whatever the server says of it.</summary>
internal sealed class DialogueSecretsTests
{
    private const string User = "the-user",
        Password = "pa\"ss-word-4711";

    private static readonly string[] Mechanisms = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"];

    private static IEnumerable<TestCaseData> Cells =>
        from mechanism in Mechanisms
        from accepted in new[] { true, false }
        select new TestCaseData(mechanism, accepted);

    [TestCaseSource(nameof(Cells))]
    public async Task Login_ByEachMechanism_ShowsThatItWasAndNothingOfIt(string mechanism, bool accepted)
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => $"250-odd\r\n250 AUTH {mechanism}",
                "AUTH" when mechanism is "CRAM-MD5" or "LOGIN" => "334 " + Base64("<1896.697170952@postoffice.example>"),
                "AUTH" or "SASL" when mechanism.StartsWith("SCRAM", StringComparison.Ordinal) && IsFirst(heard.Line) => "334 "
                    + Base64($"r={NonceOf(heard.Line)}server,s={Base64("salt")},i=4096"),
                "SASL" when mechanism == "LOGIN" && heard.Line == Base64(User) => "334 UGFzc3dvcmQ6",
                "AUTH" or "SASL" when !accepted => $"535 5.7.8 no: {heard.Line.Split(' ')[^1]} {Password}",
                "AUTH" or "SASL" => "235 2.7.0 welcome",
                "MAIL" => $"550 5.7.1 {Password} may not",
                _ => null,
            }
        );
        await using var rig = new SendRig(Sample.Account(server.Port) with { User = User, Password = Password });

        var outcome = await rig.SendAsync();

        var lines = outcome.Attempt!.Detail.Lines.Select(static line => line.Line).ToArray();
        var said = server.Commands.Where(static heard => heard.Verb is "AUTH" or "SASL").SelectMany(static heard => heard.Line.Split(' '));
        string[] secrets = [Password, .. said.Where(static word => word.Length > 3 && word != "AUTH" && !Mechanisms.Contains(word))];
        Assert.That(secrets, Has.Length.GreaterThan(1), "the server was told something");
        foreach (var secret in secrets)
            Assert.That(string.Join('\n', lines) + outcome + outcome.Attempt.Detail.Error, Does.Not.Contain(secret));
        Assert.That(lines, Has.Some.StartsWith($"C: AUTH {mechanism}"));
        Assert.That(lines.Where(static line => line.StartsWith("S: 334", StringComparison.Ordinal)), Has.All.EqualTo("S: 334 (redacted)"));
        if (!accepted && !mechanism.StartsWith("SCRAM", StringComparison.Ordinal))
            Assert.That(lines, Does.Contain("S: 535 (redacted)"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Login_ByToken_ShowsNothingOfIt(bool isLong)
    {
        var token = new string('t', isLong ? 5_000 : 50) + "-access-token";
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => "250-odd\r\n250 AUTH XOAUTH2",
                "AUTH" when heard.Line == "AUTH XOAUTH2" => "334 ",
                "AUTH" or "SASL" when heard.Line.Length > 20 => "334 " + Base64($"{{\"token\":\"{token}\"}}"),
                "SASL" => $"535 5.7.8 {token}",
                _ => null,
            }
        );
        var account = Sample.Account(server.Port) with
        {
            User = User,
            OAuth = new() { TokenUrl = new("https://token.example/"), ClientId = "c" },
        };

        var failure = Assert.ThrowsAsync<SmtpOpenException>(() =>
            SmtpConnection.OpenAsync(
                account,
                new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, server.Port),
                new(),
                TimeProvider.System,
                CancellationToken.None,
                token: token
            )
        )!;

        var opening = failure.TakeTranscript()!;
        var (lines, _, _) = DialogueText.Of(opening.Transcript, opening.Clock, opening.Clock.Timestamp, 60_000, opening.Transcript.Conceal);
        var all = string.Join('\n', lines.Select(static line => line.Line)) + failure.Message + failure.Reply!.Text;
        Assert.That(all, Does.Not.Contain("access-token").And.Not.Contain(Base64(token)[4..40]));
        Assert.That(
            lines.Select(static line => line.Line),
            Does.Contain(isLong ? "C: AUTH XOAUTH2" : "C: AUTH XOAUTH2 (redacted)").And.Contain("S: 535 (redacted)")
        );
        Assert.That(failure.TakeTranscript(), Is.Null, "of those who hear of the failure one keeps it");
    }

    private static bool IsFirst(string line) => Text(line).StartsWith("n,,n=", StringComparison.Ordinal);

    private static string NonceOf(string line) => Text(line).Split("r=")[^1];

    private static string Text(string line)
    {
        var octets = new byte[line.Length];
        return Convert.TryFromBase64String(line.Split(' ')[^1], octets, out var length) ? Encoding.UTF8.GetString(octets, 0, length) : "";
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
