using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Fetches content from the tenant's own application, which chose its name: the endpoint receives <c>{"storage_path": …}</c> and answers
/// with the bytes.
/// </summary>
/// <param name="endpoints">The attachment endpoint in force for a tenant; null when it has none.</param>
internal sealed class EndpointSource(HttpFetch http, Func<string, (Uri Address, SourceAuth? Auth)?> endpoints) : IAttachmentSource
{
    public Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel)
    {
        if (endpoints(tenant) is not { } endpoint)
            throw new SourceException(SourceFault.Gone, $"{wanted.Place}: the tenant has no attachment endpoint.");
        return http.OpenAsync(
            new(
                endpoint.Address,
                wanted.Auth ?? endpoint.Auth,
                wanted.Place,
                Body(((AttachmentPlace.Endpoint)wanted.Place).StoragePath),
                wanted.Trace
            ),
            cancel
        );
    }

    private static byte[] Body(string path)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("storage_path", path);
            json.WriteEndObject();
        }

        return body.ToArray();
    }
}
