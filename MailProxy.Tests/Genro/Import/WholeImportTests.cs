using MailProxy.Daemon.Cli;
using MailProxy.Daemon.Genro.Import;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>All of it or nothing: trials, stores that are not empty, daemons that run, and the command itself.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class WholeImportTests : ImportFixture
{
    [Test]
    public async Task Trial_TellsTheSameAndMakesNoStore()
    {
        FillOne();
        var trial = await ImportAsync(dryRun: true);
        Assert.That(Directory.Exists(Data), Is.False);
        var import = await ImportAsync();
        Assert.That(trial.Counts, Is.EqualTo(import.Counts));
        Assert.That(trial.Listed, Is.EqualTo(import.Listed));
    }

    [Test]
    public async Task Trial_IntoAStoreThatIsThere_ChangesNothing()
    {
        await (await StartAsync()).DisposeAsync();
        using (var old = Old())
        {
            AddBoth(old);
            AddMessage(old, "large", Payload("large", new { body = new string('x', 1 << 20) }));
        }

        Assert.That((await ImportAsync(dryRun: true)).Of("waiting messages"), Is.EqualTo(1));
        Assert.That(Directory.EnumerateFiles(Path.Combine(Data, "spool")), Is.Empty);
        await using (var daemon = await StartAsync())
            Assert.That((await daemon.GetAsync("/tenants"))["tenants"]!.AsArray(), Has.Count.EqualTo(1));
        Assert.That((await ImportAsync()).Of("waiting messages"), Is.EqualTo(1));
    }

    [Test]
    public async Task Import_WhileADaemonRuns_IsRefused()
    {
        FillOne();
        await using var daemon = await StartAsync();
        Assert.That(await RefusedAsync(), Does.Contain("is in use by another process").And.Contain("Stop that one first"));
    }

    [Test]
    public async Task Import_Twice_IsRefusedUnlessItMerges()
    {
        FillOne();
        await ImportAsync();
        Assert.That(await RefusedAsync(), Does.Contain("The store has some of it already: tenant acme").And.Contain("--merge"));
        using (var old = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={File};Pooling=False"))
        {
            old.Open();
            using var command = old.CreateCommand();
            command.CommandText =
                "INSERT INTO messages (pk, id, tenant_id, account_id, payload) SELECT 'new', 'new', tenant_id, account_id, payload "
                + "FROM messages LIMIT 1";
            command.ExecuteNonQuery();
        }

        var merged = await ImportAsync(merge: true);
        Assert.That(merged.Of("waiting messages"), Is.EqualTo(1));
        Assert.That(merged.Of("tenants") + merged.Of("accounts") + merged.Of("keys"), Is.Zero);
        Assert.That(
            LeftOut(merged, "message")[..2],
            Is.EqualTo(new[] { "acme/waits: the store has it already", "acme/sent: the store has it already" })
        );
        await using var daemon = await StartAsync();
        Assert.That((await daemon.RowsAsync()).Keys, Is.EquivalentTo(new[] { "waits", "sent", "new" }));
    }

    [Test]
    public async Task Import_OfAMessageThatIsThere_IsRefusedWholeWithItsSpoolFiles()
    {
        using (var old = Old(OldVersion.WithoutTenants))
        {
            AddAccount(old, null, "other");
            AddAccount(old, null);
            for (var n = 0; n < 3; n++)
                old.Add("messages", ("id", $"large{n}"), ("account_id", "other"), ("payload", Large(n).ToJsonString()));
            old.Add("messages", ("id", "m"), ("account_id", "other"), ("payload", Payload().ToJsonString()));
        }

        await using (var daemon = await StartAsync())
        {
            await daemon.PostAsync("/tenant", new { id = "acme" });
            await daemon.PostAsync(
                "/account",
                new
                {
                    id = "mine",
                    tenant_id = "acme",
                    host = "h",
                    port = 25,
                }
            );
            var message = Payload();
            message["account_id"] = "mine";
            message["deferred_ts"] = Now + 3_600;
            Assert.That(await daemon.AddAsync(message), Is.Null);
        }

        Assert.That(await RefusedAsync("acme"), Does.Contain("message acme/m"));
        Assert.That(Directory.EnumerateFiles(Path.Combine(Data, "spool")), Is.Empty);
        await using var after = await StartAsync();
        Assert.That((await after.GetAsync("/accounts?tenant_id=acme"))["accounts"]!.AsArray(), Has.Count.EqualTo(1));

        static System.Text.Json.Nodes.JsonObject Large(int n) => Payload($"large{n}", new { body = new string('x', 400_000) });
    }

    [Test]
    public async Task Import_OfOneTenant_LeavesTheOthersAlone()
    {
        using (var old = Old())
        {
            AddBoth(old);
            AddTenant(old, "other");
            AddAccount(old, "other");
            AddMessage(old);
            AddMessage(old, "m", null, ("tenant_id", "other"));
            AddMessage(old, "orphan", null, ("tenant_id", "nobody"));
        }

        Assert.That(await RefusedAsync("nobody"), Does.Contain("There is no tenant 'nobody'"));
        var tally = await ImportAsync("other");
        Assert.That((tally.Of("tenants"), tally.Of("accounts"), tally.Of("waiting messages")), Is.EqualTo((1L, 1L, 1L)));
        Assert.That(tally.Listed, Is.Empty);
        await using var daemon = await StartAsync();
        Assert.That((await daemon.RowsAsync("other")).Keys, Is.EqualTo(new[] { "m" }));
    }

    [Test]
    public async Task Command_TellsWhatItDidAndWhichHostsHaveToBeAllowed()
    {
        using (var old = Old())
        {
            AddTenant(old, "acme", ("client_base_url", "http://10.1.2.3:8080"));
            AddAccount(old, "acme", "main", ("limit_per_hour", 5));
            AddAccount(old, "acme", "v6", ("limit_per_day", 5));
            old.Run("UPDATE accounts SET host = 'fd00::7' WHERE id = 'v6'; UPDATE accounts SET host = '8.8.8.8' WHERE id = 'main'");
            AddMessage(old, "a\u001b[31mb");
            AddMessage(old);
        }

        var (code, output) = await DaemonTool.CallAsync("import-genro", File, $"--data={Data}", "--Network:Allowed:0=192.168.0.0/16");
        Assert.That(code, Is.Zero, output);
        Assert.That(output, Does.Contain("2 messages …").And.Contain("2 of 2 messages"));
        Assert.That(output, Does.Contain("1 tenants").And.Contain("2 accounts").And.Contain("1 waiting messages"));
        Assert.That(output, Does.Contain("MAILPROXY_NETWORK__ALLOWED__1=10.1.2.3/32    # 10.1.2.3"));
        Assert.That(output, Does.Contain("MAILPROXY_NETWORK__ALLOWED__2=fd00::7/128    # fd00::7"));
        Assert.That(output, Does.Not.Contain("8.8.8.8").And.Not.Contain("\u001b"));

        (code, output) = await DaemonTool.CallAsync("import-genro", File, $"--data={Data}");
        Assert.That((code, output), Is.EqualTo((1, output)));
        Assert.That(output, Does.Contain("mailproxy: nothing was imported: The store has some of it already"));
    }

    [TestCase]
    [TestCase("--dry-run")]
    [TestCase("x.db", "--tenant")]
    [TestCase("x.db", "--tenant=a b")]
    [TestCase("x.db", "y.db")]
    public async Task Command_WithOtherArguments_IsTheWrongCommand(params string[] arguments) =>
        Assert.That((await DaemonTool.CallAsync(["import-genro", .. arguments])).ExitCode, Is.EqualTo(2));

    [Test]
    public void Arguments_InAnyOrder_AreRead()
    {
        var read = ImportArguments.Read(["x.db", "--merge", "--data=d", "--tenant", "acme", "--dry-run", "--Log:Level", "Error"])!;
        Assert.That((read.File, read.Tenant, read.DryRun, read.Merge), Is.EqualTo(("x.db", "acme", true, true)));
        Assert.That(read.Settings, Is.EqualTo(new[] { "--data=d", "--Log:Level", "Error" }));
    }

    [Test]
    public void Tally_OfAMillionReasons_StaysSmall()
    {
        var tally = new ImportTally();
        for (var n = 0; n < 100_000; n++)
            tally.LeaveOut("message", $"m{n}", $"reason {n}");
        Assert.That(tally.Listed, Has.Count.EqualTo(100));
        Assert.That(tally.Reasons.Count(), Is.LessThanOrEqualTo(201));
        Assert.That(tally.Reasons.Sum(static one => one.Count), Is.EqualTo(100_000));
    }

    private void FillOne()
    {
        using var old = Old();
        AddTenant(old, "acme", ("api_key_hash", OldDatabase.HashOf(Token)));
        AddAccount(old);
        AddMessage(old, "waits");
        AddEvent(old, AddMessage(old, "sent", null, ("smtp_ts", Now)), "sent", Now, ("reported_ts", Now));
        AddMessage(old, "bad one");
    }
}
