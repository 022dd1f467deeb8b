using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace MailProxy.Daemon.Cli;

/// <summary>The HTTP requests that the demo sends to a daemon.</summary>
internal sealed class DemoClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly TimeProvider _clock;

    public DemoClient(Uri baseAddress, string key, TimeProvider clock)
    {
        _clock = clock;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = baseAddress };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <summary>
    /// Posts one message, and tells how long it took until the 202. When the daemon sheds load (503, 429), it waits as told and posts the
    /// same message again. Throws <see cref="HttpRequestException"/> for any other answer than 202.
    /// </summary>
    public async Task<TimeSpan> PostAsync(byte[] message, CancellationToken stop)
    {
        var began = _clock.GetTimestamp();
        while (true)
        {
            using var body = new ByteArrayContent(message);
            body.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var answer = await _http.PostAsync(new Uri("v1/messages", UriKind.Relative), body, stop);
            if (answer.StatusCode == HttpStatusCode.Accepted)
                return _clock.GetElapsedTime(began);
            if (answer.StatusCode is not (HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests))
            {
                var reason = await answer.Content.ReadAsStringAsync(stop);
                throw new HttpRequestException(
                    $"The daemon answered {(int)answer.StatusCode} to a message: {reason}",
                    null,
                    answer.StatusCode
                );
            }

            await Task.Delay(answer.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(1), _clock, stop);
        }
    }

    /// <summary>Sends nothing of what it accepts, or goes on sending.</summary>
    public async Task SuspendAsync(bool suspend, CancellationToken stop)
    {
        using var answer = await _http.PostAsync(
            new Uri(suspend ? "v1/dispatcher/suspend" : "v1/dispatcher/activate", UriKind.Relative),
            null,
            stop
        );
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>How many messages of a batch are in each state.</summary>
    public async Task<IReadOnlyDictionary<string, int>> CountAsync(string batch, CancellationToken stop)
    {
        using var answer = await GetAsync($"v1/batches/{batch}", stop);
        return answer
            .RootElement.GetProperty("counts")
            .EnumerateObject()
            .ToDictionary(static state => state.Name, static state => state.Value.GetInt32());
    }

    /// <summary>The time between a message's events <c>message.queued</c> and <c>message.sent</c>; null where one is missing.</summary>
    public async Task<TimeSpan?> UnderwayAsync(string id, CancellationToken stop)
    {
        using var events = await GetAsync($"v1/messages/{id}/events?limit=500", stop);
        DateTimeOffset? queued = null;
        foreach (var happened in events.RootElement.GetProperty("data").EnumerateArray())
        {
            var at = happened.GetProperty("timestamp").GetDateTimeOffset();
            switch (happened.GetProperty("type").GetString())
            {
                case "message.queued":
                    queued = at;
                    break;
                case "message.sent":
                    return at - queued;
            }
        }

        return null;
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonDocument> GetAsync(string path, CancellationToken stop)
    {
        using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, stop);
        answer.EnsureSuccessStatusCode();
        return await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(stop), default, stop);
    }
}
