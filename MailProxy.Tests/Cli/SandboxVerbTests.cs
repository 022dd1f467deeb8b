using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli;
using MailProxy.Tests.Dashboard;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>The catcher alone, with its inbox in a browser.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class SandboxVerbTests
{
    [Test]
    public async Task Page_OfTheCatcher_ShowsItsMailToWhoHasTheKey_AndLeavesNothingBehind()
    {
        using var temporary = new TempDirectory();
        var info = Run.Info(
            "dotnet",
            Path.Combine(AppContext.BaseDirectory, "mailproxy.dll"),
            "sandbox",
            "--port",
            "0",
            "--page",
            "0",
            "--json"
        );
        info.Environment["TMPDIR"] = temporary.Path;
        using var process = System.Diagnostics.Process.Start(info)!;
        try
        {
            var told = JsonNode.Parse((await process.StandardOutput.ReadLineAsync().WaitAsync(TestDaemon.Deadline))!)!;
            var page = new Uri((string)told["page"]!);
            Assert.That((page.Host, page.AbsolutePath), Is.EqualTo(("127.0.0.1", "/ui/sandbox")));
            using var person = new Person(page.GetLeftPart(UriPartial.Authority));
            using (var closed = await person.Http.GetAsync(page))
                Assert.That(closed.Headers.Location!.ToString(), Does.StartWith("/ui/signin"));

            await SendAsync(int.Parse(((string)told["listening"]!).Split(':')[1]));
            Assert.That(await process.StandardOutput.ReadLineAsync().WaitAsync(TestDaemon.Deadline), Does.Contain("It is caught"));
            await person.SignInAsync((string)told["key"]!);
            Assert.That(await person.Http.GetStringAsync(page), Does.Contain("It is caught"));

            await Run.AsIsAsync("kill", "-INT", $"{process.Id}");
            await process.WaitForExitAsync().WaitAsync(TestDaemon.Deadline);
            Assert.That(process.ExitCode, Is.EqualTo(ExitCode.Interrupted), await process.StandardError.ReadToEndAsync());
            Assert.That(Directory.EnumerateDirectories(temporary, "mailproxy-sandbox-*"), Is.Empty);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    private static async Task SendAsync(int port)
    {
        using var smtp = new MailKit.Net.Smtp.SmtpClient();
        await smtp.ConnectAsync("127.0.0.1", port, MailKit.Security.SecureSocketOptions.None);
        using var mail = new MimeKit.MimeMessage();
        mail.From.Add(MimeKit.MailboxAddress.Parse("a@example.com"));
        mail.To.Add(MimeKit.MailboxAddress.Parse("b@example.com"));
        mail.Subject = "It is caught";
        mail.Body = new MimeKit.TextPart("plain") { Text = "x" };
        await smtp.SendAsync(mail);
        await smtp.DisconnectAsync(quit: true);
    }
}
