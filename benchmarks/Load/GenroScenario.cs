using System.Buffers.Text;
using System.Text;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>What a message costs that comes by the contract of genro-mail-proxy, beside one in a batch of <c>/v1</c>.</summary>
internal static class GenroScenario
{
    private const int Bytes = 2_000,
        PerBatch = 100,
        Connections = 8;

    private const string Digits = "0000000000";

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var daemon = await bench.StartAsync(
            DaemonProcess.FreePort(),
            new Dictionary<string, string> { ["MAILPROXY_GENRO__ENABLED"] = "true", ["MAILPROXY_GENRO__DEFAULTTENANT"] = "default" }
        );
        await daemon.SuspendAsync();
        var requests = bench.Options.Scale(500, 20);
        var text = TestMail.Text(Bytes).Replace("\n", "\\n");
        var own = HttpLane.Request(
            "/v1/messages/batch",
            Body(n =>
                $$"""{"id":"{{Id(n)}}","account":"sink","from":"{{TestMail.From}}","to":"reader{{n}}@example.net","subject":"Your order {{n}}","priority":2,"headers":{"X-Genro-Mail-ID":"{{Id(n)}}"},"text":"{{text}}"}"""
            ),
            DaemonProcess.Key
        );
        var theirs = HttpLane.RequestWith(
            $"X-API-Token: {DaemonProcess.Key}",
            "/commands/add-messages",
            Body(n =>
                $$"""{"id":"{{Id(n)}}","account_id":"sink","from":"{{TestMail.From}}","to":"reader{{n}}@example.net","subject":"Your order {{n}}","body":"{{text}}"}"""
            )
        );
        var (ours, genro) = (new Row("`/v1/messages/batch`"), new Row("`/commands/add-messages`"));
        var batch = 0;
        async Task<Reading> PostAsync(byte[] template)
        {
            var meter = daemon.Meter(null);
            await RunAsync(daemon.Process.Base, template, batch, requests);
            batch += requests;
            return meter.Read(requests * PerBatch);
        }

        for (var round = -1; round < bench.Options.Rounds; round++)
        {
            var (one, other) = (await PostAsync(own), await PostAsync(theirs));
            if (round < 0)
                continue; // warms up
            ours.Add(one);
            genro.Add(other);
        }

        var cost = genro.CpuOver(ours);
        return new(
            "genro",
            "The contract of genro-mail-proxy",
            $"""
            {Connections} connections post batches of {PerBatch} messages of 2 KB, each with an id of its own, while the dispatcher is suspended. By both ways the same message is stored, with the header and the priority that the contract of genro-mail-proxy adds.

            {Row.Table(ours, genro)}
            CPU of a message by the contract of genro-mail-proxy, by that in a batch of `/v1`, round by round: **{cost}**.
            """,
            [Target.AtMost("CPU of a message by the contract of genro-mail-proxy, by /v1", 1.15, cost.Median, " ×")]
        );
    }

    private static string Id(int n) => $"{Digits}-{n}";

    private static byte[] Body(Func<int, string> message) =>
        Encoding.ASCII.GetBytes($$"""{"messages":[{{string.Join(',', Enumerable.Range(0, PerBatch).Select(message))}}]}""");

    // Every request has ids of its own: its number stands where the template has zeros.
    private static async Task RunAsync(Uri server, byte[] template, int first, int requests)
    {
        var places = Places(template);
        var next = first - 1;
        await Task.WhenAll(
            Enumerable
                .Range(0, Connections)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        using var lane = await HttpLane.ConnectAsync(server);
                        var request = (byte[])template.Clone();
                        while (Interlocked.Increment(ref next) is var number && number < first + requests)
                        {
                            foreach (var place in places)
                                Utf8Formatter.TryFormat(
                                    number,
                                    request.AsSpan(place, Digits.Length),
                                    out int _,
                                    new('D', (byte)Digits.Length)
                                );
                            var status = await lane.SendAsync(request);
                            if (
                                status is not (200 or 202)
                                || lane.Body.IndexOf("\"reason\""u8) >= 0
                                || lane.Body.IndexOf("\"error\""u8) >= 0
                            )
                                throw new InvalidOperationException($"Refused with {status}: {Encoding.UTF8.GetString(lane.Body)}");
                        }
                    })
                )
        );
    }

    private static List<int> Places(ReadOnlySpan<byte> template)
    {
        var places = new List<int>();
        var mark = Encoding.ASCII.GetBytes($"\"{Digits}");
        for (var at = 0; template[at..].IndexOf(mark) is >= 0 and var found; at += found + mark.Length)
            places.Add(at + found + mark.Length - Digits.Length);
        return places;
    }
}
