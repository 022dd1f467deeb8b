using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Send.Tokens;

/// <summary>Asks a token endpoint, within a time and up to a size; no redirect is followed.</summary>
internal sealed class TokenEndpoint(HttpMessageInvoker http, TimeProvider clock)
{
    /// <summary>Providers answer within a second; whoever waits for mail does not wait for minutes.</summary>
    public static readonly TimeSpan Time = TimeSpan.FromSeconds(20);

    private const int LongestAnswer = 128 * 1024;

    private static readonly string[] SecretParameters = ["client_secret", "refresh_token", "assertion", "client_assertion"];

    /// <exception cref="TokenException">Always this, whatever went wrong, unless <paramref name="abort"/> did.</exception>
    public async Task<TokenAnswer> AskAsync(OAuthLogin login, IReadOnlyList<KeyValuePair<string, string>> form, CancellationToken abort)
    {
        var server = TokenAnswer.Server(login);
        using var timeout = new CancellationTokenSource(Time, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, abort);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, login.Endpoint) { Content = new FormUrlEncodedContent(form) };
            request.Headers.TryAddWithoutValidation("Accept", "application/json");
            request.Headers.TryAddWithoutValidation("User-Agent", "MailProxy");

            // A handler that does not look at the token would hold everybody up.
            using var response = await http.SendAsync(request, both.Token).WaitAsync(both.Token);
            var body = await ReadAsync(response.Content, server, both.Token);
            var after = response.Headers.RetryAfter is { } named ? named.Delta ?? named.Date - clock.GetUtcNow() : null;
            return TokenAnswer.Read((int)response.StatusCode, body, after, response.Headers.Date, login, SecretsOf(login, form));
        }
        catch (TokenException)
        {
            throw;
        }
        catch (OperationCanceledException) when (abort.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            throw new TokenException(TroubleKind.Connect, $"The token endpoint {server} did not answer within {Time.TotalSeconds:0} s.");
        }
        catch (Exception error) when (HttpTrouble.Refusal(error) is not null)
        {
            throw new TokenException(
                TroubleKind.Configuration,
                $"The token endpoint {server} cannot be asked: {HttpTrouble.Explain(error, login.Endpoint)}."
            );
        }
        catch (Exception error)
        {
            // Whatever a misbehaving server or a stored row brings about is trouble of this account.
            throw new TokenException(
                TroubleKind.Connect,
                $"The token endpoint {server} cannot be asked: {HttpTrouble.Explain(error, login.Endpoint)}."
            );
        }
    }

    // A refresh token may have been changed by the server since the account was configured, and an assertion is made for each request.
    private static string[] SecretsOf(OAuthLogin login, IReadOnlyList<KeyValuePair<string, string>> form) =>
        [.. login.Secrets, .. form.Where(sent => SecretParameters.Contains(sent.Key)).Select(sent => sent.Value)];

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContent content, string server, CancellationToken cancel)
    {
        await using var body = await content.ReadAsStreamAsync(cancel);
        using var answer = new MemoryStream();
        var part = new byte[4096];
        while (await body.ReadAsync(part, cancel) is var read and > 0)
        {
            if (answer.Length + read > LongestAnswer)
                throw new TokenException(
                    TroubleKind.Protocol,
                    $"The token endpoint {server} answered with more than {LongestAnswer} bytes."
                );
            answer.Write(part, 0, read);
        }

        return answer.ToArray();
    }
}
