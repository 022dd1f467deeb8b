using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What was acknowledged survives a stop and a start.</summary>
[Parallelizable(ParallelScope.Self)]
public sealed class RestartTests
{
    [Test]
    public async Task Restart_WhileSuspended_KeepsTheMailAndTheSuspension()
    {
        using var directory = new TempDirectory();
        string[] ids;
        await using (var first = await TestDaemon.StartAsync(directory))
        {
            await first.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
            ids = await Task.WhenAll(
                Enumerable
                    .Range(0, 20)
                    .Select(n =>
                        first.PostAsync(
                            new
                            {
                                from = "a@example.com",
                                to = $"b{n}@example.com",
                                text = "x",
                            }
                        )
                    )
            );
            await first.StopAsync();
        }

        await using var second = await TestDaemon.StartAsync(directory);
        Assert.That((string)(await second.GetAsync($"/v1/messages/{ids[0]}"))["status"]!, Is.EqualTo("queued"));
        await second.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await second.EventsAsync(e => e.Type == EventType.MessageSent, ids.Length);
        await second.StopAsync();
    }

    [Test]
    [Category(TestDaemon.NamesFiles)]
    public async Task Restart_ReadsSecretsWithTheSameMasterKey()
    {
        using var directory = new TempDirectory();
        await using (var first = await TestDaemon.StartAsync(directory))
        {
            var put = await first.SendAsync(
                HttpMethod.Put,
                "/v1/accounts/real",
                new
                {
                    host = "127.0.0.1",
                    port = 2525,
                    security = "none",
                    auth = new { user = "u", password = "p4ssw0rd" },
                }
            );
            Assert.That((int)put, Is.EqualTo(201));
            await first.StopAsync();
        }

        Assert.That(File.ReadAllText(Path.Combine(directory, "mailproxy.db"), System.Text.Encoding.Latin1), Does.Not.Contain("p4ssw0rd"));
        await using var second = await TestDaemon.StartAsync(directory);
        var account = (await second.GetAsync("/v1/accounts/real")).ToJsonString();
        Assert.That(account, Does.Contain("\"password_set\":true").And.Not.Contain("p4ssw0rd"));
        await second.StopAsync();
    }

    [Test]
    public async Task Start_WithAnotherMasterKey_IsRefused()
    {
        using var directory = new TempDirectory();
        await using (var first = await TestDaemon.StartAsync(directory))
        {
            await first.SendAsync(
                HttpMethod.Put,
                "/v1/accounts/real",
                new
                {
                    host = "127.0.0.1",
                    port = 2525,
                    security = "none",
                    auth = new { user = "u", password = "p4ssw0rd" },
                }
            );
            await first.StopAsync();
        }

        File.Delete(Path.Combine(directory, "master.key"));
        Assert.That(async () => await TestDaemon.StartAsync(directory), Throws.InstanceOf<Pipeline.Disk.StoreRefusedException>());
    }

    [Test]
    public async Task Start_WhileAnotherRuns_IsRefused()
    {
        using var directory = new TempDirectory();
        await using var first = await TestDaemon.StartAsync(directory);
        Assert.That(async () => await TestDaemon.StartAsync(directory), Throws.InstanceOf<Pipeline.Disk.StoreRefusedException>());
        await first.StopAsync();
    }
}
