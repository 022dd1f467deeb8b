using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// What a store may say. The SDK reads every answer whole but an object, and signs a request anew for whatever host a redirect names:
/// here each answer gets a bound, and none leads away.
/// </summary>
internal sealed class S3Answers(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>Bytes of an answer that is no error: a list of a thousand long names.</summary>
    public const int MostAnswer = 2 * 1024 * 1024;

    /// <summary>Bytes of an error. What is longer is judged by its status alone.</summary>
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

    // It goes by in a stream, and who reads it counts.
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
            throw new SenselessAnswerException("the answer is empty: this is no S3 store");
        }

        // The rest of it is not read: disposing it ends the connection.
        using var before = response.Content;
        var bounded = new ByteArrayContent(whole ?? []);
        foreach (var (name, values) in before.Headers.NonValidated)
        {
            if (!name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                bounded.Headers.TryAddWithoutValidation(name, values);
        }

        response.Content = bounded;
    }

    /// <summary>Null: it is longer.</summary>
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
