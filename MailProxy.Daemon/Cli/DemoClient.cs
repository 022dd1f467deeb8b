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
    /// Posts one message. When the daemon sheds load (503, 429), it waits as told and posts the same message again. Throws <see
    /// cref="HttpRequestException"/> for any other answer than 202.
    /// </summary>
    public async Task PostAsync(byte[] message, CancellationToken stop)
    {
        while (true)
        {
            using var body = new ByteArrayContent(message);
            body.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var answer = await _http.PostAsync(new Uri("v1/messages", UriKind.Relative), body, stop);
            if (answer.StatusCode == HttpStatusCode.Accepted)
                return;
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

    /// <summary>Counts the messages of a batch by state.</summary>
    public async Task<IReadOnlyDictionary<string, int>> CountAsync(string batch, CancellationToken stop)
    {
        var counts = new Dictionary<string, int>();
        string? cursor = null;
        do
        {
            var next = cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}";
            using var page = await GetAsync($"v1/messages?batch={batch}&limit=500{next}", stop);
            foreach (var message in page.RootElement.GetProperty("data").EnumerateArray())
            {
                var status = message.GetProperty("status").GetString()!;
                counts[status] = counts.GetValueOrDefault(status) + 1;
            }

            cursor = page.RootElement.TryGetProperty("next_cursor", out var more) ? more.GetString() : null;
        } while (cursor is not null);

        return counts;
    }

    /// <summary>The time of the message's event <c>message.sent</c>; null when there is none.</summary>
    public async Task<DateTimeOffset?> SentAtAsync(string id, CancellationToken stop)
    {
        using var events = await GetAsync($"v1/messages/{id}/events?limit=500", stop);
        foreach (var happened in events.RootElement.GetProperty("data").EnumerateArray())
        {
            if (happened.GetProperty("type").GetString() == "message.sent")
                return happened.GetProperty("timestamp").GetDateTimeOffset();
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
