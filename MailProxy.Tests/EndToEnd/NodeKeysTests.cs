using System.Security.Cryptography;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Master keys of several nodes: what one of them seals every other one can open, while they are changed as well.</summary>
[TestFixture]
internal sealed class NodeKeysTests : NodesFixture
{
    private static readonly string Old = NewKey(),
        New = NewKey();

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private static string IdOf(string key) => MasterKey.ParseList(key)!.Single().Id;

    private Task<TestDaemon> StartWithAsync(string name, params string[] keys) =>
        StartAsync(name, timeToLive: "00:00:01", masterKey: string.Join(',', keys));

    private static async Task PutAccountAsync(TestDaemon daemon, string id) =>
        Assert.That(
            (int)
                await daemon.SendAsync(
                    HttpMethod.Put,
                    $"/v1/accounts/{id}",
                    new
                    {
                        host = "127.0.0.1",
                        port = 25,
                        security = "starttls",
                        auth = new { user = "u", password = $"of {id}" },
                    }
                ),
            Is.EqualTo(201)
        );

    private static async Task<IEnumerable<string?>> PasswordsAsync(TestDaemon daemon) =>
        (await daemon.Services.GetRequiredService<IConfigurationStore>().AccountsAsync()).Select(static account => account.Password);

    private static void IsRefused(Func<Task> start, params string[] says)
    {
        var refusal = Assert.ThrowsAsync<StoreRefusedException>(() => start())!.Message;
        foreach (var part in says)
            Assert.That(refusal, Does.Contain(part).And.Not.Contain("\n"));
    }

    [Test]
    public async Task Keys_ChangedInThreeSteps_AreInUseAtNoNodeThatLacksThem()
    {
        string[][] steps =
        [
            [Old],
            [Old, New],
            [New, Old],
            [New],
        ];
        var (one, two) = (await StartWithAsync("one", Old), await StartWithAsync("two", Old));
        var put = new List<string>();
        try
        {
            foreach (var step in steps[1..])
            {
                await one.DisposeAsync();
                one = await StartWithAsync("one", step);
                await PutBothAsync();
                await two.DisposeAsync();
                two = await StartWithAsync("two", step);
                await PutBothAsync();
            }
        }
        finally
        {
            await one.DisposeAsync();
            await two.DisposeAsync();
        }

        async Task PutBothAsync()
        {
            foreach (var daemon in new[] { one, two })
            {
                put.Add($"p{put.Count}");
                await PutAccountAsync(daemon, put[^1]);
            }

            var expected = put.Select(static id => $"of {id}");
            Assert.That((await PasswordsAsync(one)).OfType<string>(), Is.EquivalentTo(expected));
            Assert.That((await PasswordsAsync(two)).OfType<string>(), Is.EquivalentTo(expected));
        }
    }

    [Test]
    public async Task Start_NewKeyFirstWhereAnotherNodeLacksIt_IsRefusedAndNothingIsSealedAnew()
    {
        await using var one = await StartWithAsync("one", Old);
        await PutAccountAsync(one, "a");
        IsRefused(() => StartWithAsync("two", New, Old), "'one'", IdOf(New), "MAILPROXY_MASTER_KEY=old,new");
        Assert.That((await PasswordsAsync(one)).OfType<string>(), Is.EqualTo(["of a"]));
    }

    [Test]
    public async Task Start_WithoutTheKeyThatAnotherNodeSealsUnder_IsRefused()
    {
        await using var one = await StartWithAsync("one", Old, New);
        await using var two = await StartWithAsync("two", New, Old); // everything is under the new one
        IsRefused(() => StartWithAsync("three", New), "'one'", IdOf(Old));
    }

    [Test]
    public async Task Start_AnotherMasterKey_IsRefused()
    {
        await using var one = await StartWithAsync("one", Old);
        IsRefused(() => StartWithAsync("two", New), IdOf(Old), IdOf(New), "MAILPROXY_MASTER_KEY");
    }

    [Test]
    public async Task Start_TheNodeThatLackedTheKeyHasEndedWithoutAWord_Starts()
    {
        await using (await StartWithAsync("one", Old)) { }
        PostgresServer.Shared.Execute(
            Database,
            $"""
            INSERT INTO mailproxy.nodes (name, place, version, started_at, keys) VALUES ('gone', 'x', '1', 0, '{IdOf(Old)}');
            INSERT INTO mailproxy.beats (session, beat, config_seen) SELECT session, 5, 0 FROM mailproxy.nodes WHERE name = 'gone'
            """
        );
        await using var two = await StartWithAsync("two", New, Old);
        await PutAccountAsync(two, "a");
        Assert.That((await PasswordsAsync(two)).OfType<string>(), Is.EqualTo(["of a"]));
    }
}
