using System.Net.Http.Json;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>A pool whose accounts come and go while mail goes by it: they are paused and resumed, taken out and put back.</summary>
internal sealed class ChaosPool(HttpClient http, Random dice)
{
    public const string Id = "both";

    private static readonly string[][] Members =
    [
        ["sink", "spare"],
        ["spare", "sink"],
        ["spare"],
        ["sink"],
    ];

    private static readonly string[] Strategies = ["failover", "weighted", "overflow"];

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await TryAsync(Step());
            await Task.Delay(dice.Next(5, 100), CancellationToken.None);
        }
    }

    /// <summary>Both accounts take mail.</summary>
    public async Task WholeAsync()
    {
        foreach (var account in Members[0])
            await UntilAsync(() => http.PostAsync($"/v1/accounts/{account}/resume", null));
        await UntilAsync(() => PutAsync(Strategies[0], Members[0]));
    }

    private Func<Task<HttpResponseMessage>> Step()
    {
        var account = Members[0][dice.Next(2)];
        var (strategy, members) = (Strategies[dice.Next(Strategies.Length)], Members[dice.Next(Members.Length)]);
        return dice.Next(3) switch
        {
            0 => () => http.PostAsync($"/v1/accounts/{account}/pause", null),
            1 => () => http.PostAsync($"/v1/accounts/{account}/resume", null),
            _ => () => PutAsync(strategy, members),
        };
    }

    private Task<HttpResponseMessage> PutAsync(string strategy, string[] members) =>
        http.PutAsJsonAsync($"/v1/pools/{Id}", new { strategy, accounts = members });

    private static async Task UntilAsync(Func<Task<HttpResponseMessage>> step)
    {
        while (!await TryAsync(step))
            await Task.Delay(20);
    }

    // False: the daemon is down, or stops.
    private static async Task<bool> TryAsync(Func<Task<HttpResponseMessage>> step)
    {
        try
        {
            using var answer = await step();
            if ((int)answer.StatusCode is >= 400 and < 500)
                throw new InvalidOperationException($"{(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
            return answer.IsSuccessStatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or IOException or TaskCanceledException)
        {
            return false;
        }
    }
}
