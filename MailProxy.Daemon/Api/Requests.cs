using System.Text.Json;

namespace MailProxy.Daemon.Api;

// The shapes of requests, for the OpenAPI document. They are bound by hand, so that every mistake gets its pointer.

/// <summary>
/// One message. It has at least one of to, cc and bcc, and at least one of text, html and raw; an account or a pool, not both.
/// </summary>
/// <param name="Id">The client's own id, unique per tenant: 1 to 128 of <c>[A-Za-z0-9._:@-]</c>. Made when absent.</param>
/// <param name="Account">The SMTP account. Absent: the only one there is.</param>
/// <param name="Pool">A pool of accounts, instead of account.</param>
/// <param name="ReturnPath">Envelope sender; absent: from.</param>
/// <param name="Raw">Base64 of a whole RFC 5322 message, instead of subject, text, html, headers, attachments,
/// alternatives and unsubscribe.</param>
/// <param name="Alternatives">Beside text or html, in multipart/alternative.</param>
/// <param name="Priority"><c>immediate</c>, <c>high</c>, <c>medium</c> (default), <c>low</c>, or 0 to 3.</param>
/// <param name="SendAt">Not before: RFC 3339 text or Unix seconds.</param>
/// <param name="ExpiresAt">Not after: RFC 3339 text or Unix seconds. Absent: 5 days after acceptance or send_at.</param>
/// <param name="OnAmbiguous"><c>retry</c> (default), <c>hold</c>, <c>assume_sent</c>.</param>
public sealed record MessageRequest(
    string? Id,
    string? Account,
    string? Pool,
    JsonElement? From,
    JsonElement? To,
    JsonElement? Cc,
    JsonElement? Bcc,
    JsonElement? ReplyTo,
    string? ReturnPath,
    string? Subject,
    string? Text,
    string? Html,
    Dictionary<string, string>? Headers,
    string? Raw,
    IReadOnlyList<AttachmentRequest>? Attachments,
    IReadOnlyList<AlternativeRequest>? Alternatives,
    UnsubscribeRequest? Unsubscribe,
    JsonElement? Priority,
    JsonElement? SendAt,
    JsonElement? ExpiresAt,
    string? Batch,
    IReadOnlyList<string>? Tags,
    Dictionary<string, JsonElement>? Metadata,
    string? OnAmbiguous
);

/// <summary>Makes List-Unsubscribe (RFC 2369) and, with one_click, List-Unsubscribe-Post (RFC 8058).</summary>
/// <param name="Url">A page; with one_click <c>own</c> the https address that takes the POST itself.</param>
/// <param name="Mailto">An address that takes mail.</param>
/// <param name="OneClick"><c>own</c>: url takes the POST. <c>hosted</c>: this daemon does, suppresses the recipient, and tells
/// <c>message.unsubscribed</c>; one recipient a message.</param>
public sealed record UnsubscribeRequest(string? Url, string? Mailto, string? OneClick);

/// <summary>A further body of the same message, such as an invitation.</summary>
/// <param name="ContentType"><c>text/…</c> or <c>application/…</c> with its parameters, such as <c>text/calendar;
/// method=REQUEST</c>.</param>
/// <param name="Content">Text, not base64.</param>
public sealed record AlternativeRequest(string ContentType, string Content);

/// <summary>One of content, source and storage_path says where the content is.</summary>
/// <param name="InlineId">Content-ID without angle brackets, for <c>cid:</c> links in html.</param>
/// <param name="Content">Base64.</param>
/// <param name="Source"><c>volume:path</c>, <c>http(s)://…</c>, an absolute path below an allowed root, or what the tenant's attachment
/// endpoint knows. Fetched just before sending.</param>
/// <param name="Sha256">64 hexadecimal digits; other content fails the message.</param>
/// <param name="Size">Bytes; another length fails the message.</param>
/// <param name="Auth">For an http(s) source, or instead of the attachment endpoint's own.</param>
/// <param name="StoragePath">The older notation of source.</param>
/// <param name="FetchMode">What storage_path is: <c>base64</c>, <c>filesystem</c>, <c>http_url</c>, <c>endpoint</c>, <c>storage</c>.
/// Absent: by its form.</param>
/// <param name="ContentMd5">32 hexadecimal digits; a marker <c>{MD5:…}</c> in the file name means the same and is removed.</param>
/// <param name="CacheMd5">32 hexadecimal digits under which the fetched content is found again, as long as it is in the cache; the content
/// is not compared with them.</param>
public sealed record AttachmentRequest(
    string Filename,
    string? ContentType,
    string? InlineId,
    string? Content,
    string? Source,
    string? Sha256,
    long? Size,
    AttachmentAuthRequest? Auth,
    string? StoragePath,
    string? FetchMode,
    string? ContentMd5,
    string? CacheMd5 = null
);

/// <param name="Defaults">Top-level members for messages that do not have them; not <c>id</c>.</param>
public sealed record BatchRequest(IReadOnlyList<MessageRequest> Messages, MessageDefaults? Defaults);

/// <summary>Members for messages that do not have them: all of a message's but <c>id</c>.</summary>
public sealed record MessageDefaults;

/// <summary>Another way for a message: exactly one of the two.</summary>
public sealed record RerouteRequest(string? Account = null, string? Pool = null);

/// <param name="SendAt">RFC 3339 text or Unix seconds.</param>
/// <param name="ExpiresAt">Absent: an expiry that the message had asked for stays, any other follows send_at.</param>
public sealed record RescheduleRequest(JsonElement SendAt, JsonElement? ExpiresAt = null);

/// <summary>
/// How the source of one attachment is asked: <c>user</c> and <c>password</c>, or <c>bearer</c>, or <c>header</c> and <c>value</c>.
/// </summary>
public sealed record AttachmentAuthRequest(string? User, string? Password, string? Bearer, string? Header, string? Value);

/// <param name="Suspended">True: its mail waits, also what is yet to come.</param>
/// <param name="Weight">How many messages it sends in its turn, 1 to 100; absent: 1.</param>
public sealed record BatchChangeRequest(bool Suspended, int? Weight);

/// <summary>A time of which the events are told once more: RFC 3339 text or Unix seconds, both ends included.</summary>
/// <param name="To">Absent: now.</param>
public sealed record WebhookReplayRequest(JsonElement From, JsonElement? To);

/// <param name="Path">A file of the volume to read the beginning of. Absent: the volume as a whole.</param>
public sealed record VolumeTestRequest(string? Path);
