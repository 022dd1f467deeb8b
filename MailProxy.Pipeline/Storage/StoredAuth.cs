using System.Text.Json;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage;

/// <summary>The credentials of a source, in the text form that is sealed.</summary>
internal sealed record StoredAuth(
    string? User = null,
    string? Password = null,
    string? Bearer = null,
    string? Header = null,
    string? Value = null
)
{
    public static string ToText(SourceAuth auth) =>
        JsonSerializer.Serialize(
            auth switch
            {
                SourceAuth.Basic basic => new(basic.User, basic.Password),
                SourceAuth.Bearer bearer => new(Bearer: bearer.Token),
                SourceAuth.Header header => new(Header: header.Name, Value: header.Value),
                _ => throw new ArgumentOutOfRangeException(nameof(auth), auth, null),
            },
            StoredJson.Default.StoredAuth
        );

    public static SourceAuth FromText(string text) =>
        JsonSerializer.Deserialize(text, StoredJson.Default.StoredAuth) switch
        {
            { User: { } user, Password: { } password } => new SourceAuth.Basic(user, password),
            { Bearer: { } token } => new SourceAuth.Bearer(token),
            { Header: { } name, Value: { } value } => new SourceAuth.Header(name, value),
            _ => throw new StoreRefusedException("Stored credentials are of a kind that this program does not know."),
        };

    // The generated ToString of a record would write the secret into a log.
    public override string ToString() => nameof(StoredAuth);
}
