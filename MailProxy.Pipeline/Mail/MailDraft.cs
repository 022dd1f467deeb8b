using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailProxy.Pipeline.Mail;

/// <summary>
/// A message as the client wrote it (section 2 of the HTTP contract), bound but not yet validated. The same JSON is stored as the body,
/// and
/// read by the composer.
/// </summary>
public sealed record MailDraft
{
    public string? Id { get; init; }
    public string? Account { get; init; }
    public string? Pool { get; init; }
    public AddressList? From { get; init; }
    public AddressList? To { get; init; }
    public AddressList? Cc { get; init; }
    public AddressList? Bcc { get; init; }
    public AddressList? ReplyTo { get; init; }
    public string? ReturnPath { get; init; }
    public string? Subject { get; init; }
    public string? Text { get; init; }
    public string? Html { get; init; }
    public Dictionary<string, string>? Headers { get; init; }

    /// <summary>A whole RFC 5322 message; base64 in JSON.</summary>
    public string? Raw { get; init; }

    public List<AttachmentDraft>? Attachments { get; init; }

    /// <summary>Alternative bodies of the same message.</summary>
    public List<AlternativeDraft>? Alternatives { get; init; }

    /// <summary>How a recipient says that he wants no more of it.</summary>
    public UnsubscribeDraft? Unsubscribe { get; init; }

    /// <summary>A name or a number from 0 to 3.</summary>
    public JsonElement? Priority { get; init; }

    /// <summary>RFC 3339 text or Unix seconds.</summary>
    public JsonElement? SendAt { get; init; }

    /// <summary>RFC 3339 text or Unix seconds.</summary>
    public JsonElement? ExpiresAt { get; init; }

    public string? Batch { get; init; }
    public List<string>? Tags { get; init; }
    public Dictionary<string, JsonElement>? Metadata { get; init; }
    public string? OnAmbiguous { get; init; }

    /// <summary>Members that the contract does not define; each is refused with its pointer.</summary>
    [JsonExtensionData] // settable: the source generator cannot bind extension data to an init-only property
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>How a recipient unsubscribes: what the headers List-Unsubscribe and List-Unsubscribe-Post say.</summary>
public sealed record UnsubscribeDraft
{
    public const string Own = "own",
        Hosted = "hosted";

    /// <summary>A page; with one_click: <c>own</c> it takes the POST itself.</summary>
    public string? Url { get; init; }

    /// <summary>An address that mail is sent to.</summary>
    public string? Mailto { get; init; }

    /// <summary><see cref="Own"/>, <see cref="Hosted"/>, or null: there is no one click (RFC 8058).</summary>
    public string? OneClick { get; init; }

    [JsonExtensionData] // settable: the source generator cannot bind extension data to an init-only property
    public Dictionary<string, JsonElement>? Unknown { get; set; }

    /// <summary>An address as it stands in the header: ASCII, without what would end it there.</summary>
    public static string InHeader(Uri address) =>
        address.AbsoluteUri.Replace("<", "%3C", StringComparison.Ordinal).Replace(">", "%3E", StringComparison.Ordinal);
}

/// <summary>An alternative body of a message, such as an invitation.</summary>
public sealed record AlternativeDraft
{
    /// <summary><c>text/…</c> or <c>application/…</c>, with its parameters.</summary>
    public string? ContentType { get; init; }

    /// <summary>Text, not base64.</summary>
    public string? Content { get; init; }

    [JsonExtensionData] // settable: the source generator cannot bind extension data to an init-only property
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>
/// One attachment of a draft: inline <see cref="Content"/>, a <see cref="Source"/>, or the old notation's <see cref="StoragePath"/>. <see
/// cref="AttachmentNotation"/> reads it.
/// </summary>
public sealed record AttachmentDraft
{
    public string? Filename { get; init; }
    public string? ContentType { get; init; }

    /// <summary>Content-ID without angle brackets; makes the part inline, for <c>cid:</c> links in HTML.</summary>
    public string? InlineId { get; init; }

    /// <summary>Base64.</summary>
    public string? Content { get; init; }

    /// <summary><c>volume:path</c>, <c>http(s)://…</c>, an absolute path, or a name known to the tenant's attachment endpoint.</summary>
    public string? Source { get; init; }

    /// <summary>64 hexadecimal digits.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Bytes.</summary>
    public long? Size { get; init; }

    public SourceAuthDraft? Auth { get; init; }

    public string? StoragePath { get; init; }

    /// <summary>
    /// <c>base64</c>, <c>filesystem</c>, <c>http_url</c>, <c>endpoint</c>, <c>storage</c>; absent: decided by the form of <see
    /// cref="StoragePath"/>.
    /// </summary>
    public string? FetchMode { get; init; }

    /// <summary>32 hexadecimal digits.</summary>
    public string? ContentMd5 { get; init; }

    /// <summary>32 hexadecimal digits under which fetched content is found again. Nobody compares the content with it.</summary>
    public string? CacheMd5 { get; init; }

    [JsonExtensionData] // settable: the source generator cannot bind extension data to an init-only property
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>Credentials for an HTTP source: <c>{user, password}</c>, <c>{bearer}</c> or <c>{header, value}</c>.</summary>
public sealed record SourceAuthDraft
{
    public string? User { get; init; }
    public string? Password { get; init; }
    public string? Bearer { get; init; }
    public string? Header { get; init; }
    public string? Value { get; init; }

    [JsonExtensionData] // settable: the source generator cannot bind extension data to an init-only property
    public Dictionary<string, JsonElement>? Unknown { get; set; }

    // The generated ToString of a record would write the secrets into a log.
    public override string ToString() => nameof(SourceAuthDraft);
}

/// <summary>
/// One address as written: <c>"a@x"</c>, <c>"Ann &lt;a@x&gt;"</c> (both as <see cref="Text"/>), or <c>{"email","name"}</c>.
/// </summary>
/// <param name="Text">The whole written text; null for the object form.</param>
/// <param name="Email">The address of the object form.</param>
/// <param name="Name">The display name of the object form.</param>
/// <param name="Fault">Why this is not an address at all (wrong JSON kind, unknown member), otherwise null.</param>
/// <param name="FaultAt">The pointer of the fault relative to this entry ("" or "/member").</param>
/// <param name="FaultCode">The stable code of the fault.</param>
public readonly record struct AddressDraft(
    string? Text,
    string? Email,
    string? Name,
    string? Fault = null,
    string? FaultAt = "",
    string? FaultCode = null
);

/// <summary>
/// One address or a list of them. <see cref="Single"/> means that the client did not write a list, which decides the pointer of a fault
/// (<c>/to</c> or <c>/to/0</c>).
/// </summary>
[JsonConverter(typeof(AddressListConverter))]
public sealed record AddressList(IReadOnlyList<AddressDraft> Entries, bool Single);
