using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Cli.Output;

/// <summary>Writes JSON as people and programs read it: letters of all languages as they are.</summary>
internal static class JsonText
{
    private static readonly JsonSerializerOptions Short = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonSerializerOptions Long = new(Short) { WriteIndented = true };

    /// <summary>On one line.</summary>
    public static string Of(JsonNode node) => node.ToJsonString(Short);

    public static string Indented(JsonNode node) => node.ToJsonString(Long);
}
