using System.Text.Json.Serialization;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Source-generated JSON of what the page's own script asks for.</summary>
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class PageJson : JsonSerializerContext;
