using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Whoever reads the log stops reading: mail goes on, and the process ends when it is told to.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class StalledLogTests
{
    private const string Key = "test-admin-key-0123456789";
    private const int Messages = 2000;

    [Test]
    public async Task Output_ThatNobodyReads_StopsNeitherMailNorTheEnd()
    {
        using var directory = new TempDirectory();
        var url = $"http://127.0.0.1:{FreePort.Take()}";
        using var process = Start(directory, url);
        try
        {
            using var http = new HttpClient { BaseAddress = new(url) };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
            await Eventually.BecomesAsync(() => ReadyAsync(http), static ready => ready);
            for (var posted = 0; posted < Messages; posted += 500)
            {
                var messages = Enumerable.Range(posted, 500).Select(Message);
                using var answer = await http.PostAsJsonAsync("/v1/messages/batch", new { messages });
                Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
            }

            await EventFeed.UntilAsync(http, static one => (string?)one["type"] == "message.sent", Messages);
            await Run.AsIsAsync("kill", "-TERM", $"{process.Id}");
            await process.WaitForExitAsync().WaitAsync(TestDaemon.Deadline);
            Assert.That(process.ExitCode, Is.Zero);
            var log = await process.StandardOutput.ReadToEndAsync();
            Assert.That(
                log,
                Does.Contain("Now listening").And.Not.Contain("Stopped; waiting mail"),
                "the pipe was full long before the end"
            );
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    private static object Message(int n) =>
        new
        {
            id = $"m-{n}",
            from = "a@example.com",
            to = "b@example.com",
            text = "x",
            batch = "all",
        };

    private static async Task<bool> ReadyAsync(HttpClient http)
    {
        try
        {
            using var answer = await http.GetAsync("/health/ready");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static Process Start(string directory, string url)
    {
        var info = Run.Info("dotnet", Path.Combine(AppContext.BaseDirectory, "mailproxy.dll"));
        info.RedirectStandardError = false;
        info.Environment["MAILPROXY_DATA"] = Path.Combine(directory, "data");
        info.Environment["MAILPROXY_URLS"] = url;
        info.Environment["MAILPROXY_ADMIN_KEY"] = Key;
        info.Environment["MAILPROXY_LOG__LEVEL"] = "Verbose";
        return Process.Start(info)!;
    }
}
