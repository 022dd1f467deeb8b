using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Benchmarks.Support;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>Many tenants with many accounts, each with limits and a little mail, beside a few accounts with the same mail.</summary>
internal static class WideScenario
{
    private const int Bytes = 2_000,
        AccountsOfTenant = 10,
        Few = 10;

    // With two each second message pays for a connection; with ten a connection is used as it is meant to be.
    private static readonly int[] MailOfAccount = [2, 10];

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var tenants = bench.Options.Scale(1_000, 20);
        var accounts = tenants * AccountsOfTenant;
        await using var sink = new ScriptedSmtpServer(0) { KeepsRecord = false };
        using var wide = await bench.StartAsync(sink.Port);
        using var narrow = await bench.StartAsync(sink.Port);
        var made = await Poster.TimeAsync(() => MakeAsync(wide, sink.Port, tenants));
        await MakeAsync(narrow, sink.Port, 1);

        // What follows the burst is not waiting.
        await Task.Delay(TimeSpan.FromSeconds(bench.Options.Scale(20, 2)));
        var seconds = bench.Options.Scale(30, 3);
        var cpu = CpuTime.Of(wide.Process.Id);
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        var idle = (CpuTime.Of(wide.Process.Id) - cpu) / seconds * 100;

        var changes = new Samples(await ChangeAsync(wide, sink.Port, bench.Options.Scale(200, 20)));
        var drains = new List<(Row Few, Row Many, int Each)>();
        foreach (var each in MailOfAccount)
            drains.Add(await DrainsAsync(bench, narrow, wide, tenants, each));

        var (_, peak) = CpuTime.Memory(wide.Process.Id);
        await wide.StopAsync();
        var start = await Poster.TimeAsync(wide.StartAsync);
        return new(
            "wide",
            "Wide: many tenants and accounts",
            $"""
            {tenants:N0} tenants with {accounts:N0} accounts, each with a limit of its own, made over HTTP in {made.TotalSeconds:0.0} s; messages of 2 KB in each, beside {Few} accounts with as many messages. The sink is a server of this process.

            {Row.Table(drains.SelectMany(static drain => (Row[])[drain.Few, drain.Many]))}
            Ratios of the rates, round by round: {string.Join("; ", drains.Select(static d => $"{d.Each} in each **{d.Many.Over(d.Few)}**"))}. A change of one account: p50 **{changes.At(0.5):0.00} ms**, p99 {changes.At(
                0.99
            ):0.00} ms. Idle: **{idle:0.00} %** of a core. Resident at most **{peak
                / 1e6:0} MB**. Ready again in {start.TotalSeconds:0.00} s.
            """,
            [
                .. drains.Select(drain =>
                    Target.AtLeast(
                        $"drain of {accounts:N0} accounts with {drain.Each} messages each, by that of {Few}",
                        0.8,
                        drain.Many.Over(drain.Few).Median,
                        " ×"
                    )
                ),
                Target.Below("a change of one account, p50", 5, changes.At(0.5), " ms"),
                Target.Below($"idle with {accounts:N0} accounts", 0.5, idle, " % of a core"),
                Target.Below($"resident with {accounts:N0} accounts", 400, peak / 1e6, " MB"),
            ]
        );
    }

    private static async Task<(Row Few, Row Many, int Each)> DrainsAsync(
        LoadBench bench,
        LoadDaemon narrow,
        LoadDaemon wide,
        int tenants,
        int each
    )
    {
        var accounts = tenants * AccountsOfTenant;
        var (few, many) = (new Row($"{Few} accounts, {accounts * each:N0}"), new Row($"{accounts:N0} accounts, {each} each"));
        for (var round = -1; round < bench.Options.Rounds; round++)
        {
            var one = await DrainAsync(narrow, 1, accounts * each);
            var all = await DrainAsync(wide, tenants, accounts * each);
            if (round < 0)
                continue; // warms up
            few.Add(one);
            many.Add(all);
        }

        return (few, many, each);
    }

    private static async Task MakeAsync(LoadDaemon daemon, int port, int tenants)
    {
        await Parallel.ForAsync(
            0,
            tenants,
            new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (tenant, _) =>
            {
                await daemon.Process.PutAsync($"/v1/tenants/t{tenant}", new JsonObject { ["name"] = $"Tenant {tenant}" });
                for (var account = 0; account < AccountsOfTenant; account++)
                    await PutAsync(daemon, tenant, account, port, 1_000_000);
            }
        );
    }

    private static async Task PutAsync(LoadDaemon daemon, int tenant, int account, int port, int perHour)
    {
        var body = new JsonObject
        {
            ["host"] = "127.0.0.1",
            ["port"] = port,
            ["security"] = "none",
            ["max_connections"] = 2,
            ["limits"] = new JsonObject { ["per_hour"] = perHour },
        };
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/v1/accounts/a{account}") { Content = JsonContent.Create(body) };
        request.Headers.Add("X-Tenant", $"t{tenant}");
        using var answer = await daemon.Process.Http.SendAsync(request);
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
    }

    private static async Task<List<double>> ChangeAsync(LoadDaemon daemon, int port, int times)
    {
        var took = new List<double>();
        for (var i = 0; i < times; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            await PutAsync(daemon, 0, i % AccountsOfTenant, port, 1_000_001 + i);
            took.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        return took;
    }

    private static async Task<Reading> DrainAsync(LoadDaemon daemon, int tenants, int messages)
    {
        await daemon.SuspendAsync();
        var each = messages / tenants;
        var text = TestMail.Text(Bytes).Replace("\n", "\\n");
        var mails = string.Join(
            ',',
            Enumerable
                .Range(0, Math.Min(each, 1_000))
                .Select(n =>
                    $$"""{"account":"a{{n % AccountsOfTenant}}","from":"{{TestMail.From}}","to":"reader@example.net","subject":"Order {{n}}","text":"{{text}}"}"""
                )
        );
        var batch = Encoding.UTF8.GetBytes($$"""{"messages":[{{mails}}]}""");
        await Parallel.ForAsync(
            0,
            tenants,
            new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (tenant, _) =>
            {
                for (var sent = 0; sent < each; sent += 1_000)
                    await PostAsync(daemon, tenant, batch);
            }
        );
        var meter = Meter.Of(daemon.Process.Id, null);
        await daemon.ActivateAsync();
        await daemon.Store.EmptyAsync(TimeSpan.FromMinutes(10));
        return meter.Read(messages);
    }

    private static async Task PostAsync(LoadDaemon daemon, int tenant, byte[] batch)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages/batch") { Content = new ByteArrayContent(batch) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("X-Tenant", $"t{tenant}");
        using var answer = await daemon.Process.Http.SendAsync(request);
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
    }
}
