using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Limits the answers of an S3 store. The SDK buffers every answer except an object, and signs a request again for whatever host a
/// redirect
/// names; therefore each answer gets a size limit here, and redirects are removed.
/// </summary>
internal sealed class S3Answers(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>Most bytes of a successful answer; enough for a list of a thousand long names.</summary>
    public const int MostAnswer = 2 * 1024 * 1024;

    /// <summary>Most bytes of an error answer. A longer one is judged by its status alone.</summary>
    public const int MostError = 64 * 1024;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        try
        {
            response.Headers.Remove("Location");
            if (!IsObject(request, response))
                await BoundAsync(response, IsList(request), cancellationToken);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    // An object is streamed, and its reader enforces the limit.
    private static bool IsObject(HttpRequestMessage request, HttpResponseMessage response) =>
        request.Method == HttpMethod.Get && response.IsSuccessStatusCode && !IsList(request);

    private static bool IsList(HttpRequestMessage request) =>
        (request.RequestUri?.Query ?? "").Contains("list-type=", StringComparison.Ordinal);

    private static async Task BoundAsync(HttpResponseMessage response, bool isList, CancellationToken cancel)
    {
        var most = response.IsSuccessStatusCode ? MostAnswer : MostError;
        var whole = await ReadAsync(response.Content, most, cancel);
        if (whole is null && response.IsSuccessStatusCode)
            throw new SenselessAnswerException($"the answer is longer than {most} bytes");
        if (isList && response.IsSuccessStatusCode && whole!.Length == 0)
        {
            throw new SenselessAnswerException("the answer is empty, so this is not an S3 store");
        }

        // The rest of the answer is not read; disposing it closes the connection.
        using var before = response.Content;
        var bounded = new ByteArrayContent(whole ?? []);
        foreach (var (name, values) in before.Headers.NonValidated)
        {
            if (!name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                bounded.Headers.TryAddWithoutValidation(name, values);
        }

        response.Content = bounded;
    }

    /// <summary>The whole content; null when it is longer than the limit.</summary>
    private static async Task<byte[]?> ReadAsync(HttpContent content, int most, CancellationToken cancel)
    {
        if (content.Headers.ContentLength > most)
            return null;
        await using var body = await content.ReadAsStreamAsync(cancel);
        using var whole = new MemoryStream();
        var part = new byte[8 * 1024];
        while (await body.ReadAsync(part, cancel) is var read and > 0)
        {
            if (whole.Length + read > most)
                return null;
            whole.Write(part, 0, read);
        }

        return whole.ToArray();
    }
}
