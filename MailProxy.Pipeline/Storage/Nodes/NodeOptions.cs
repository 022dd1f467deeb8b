namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>How soon a node that does not answer counts as dead.</summary>
/// <param name="Beat">How often each tells that it lives.</param>
/// <param name="TimeToLive">The time after which one that does not counts as dead.</param>
/// <param name="Margin">How much earlier it withholds the last block of a mail by itself.</param>
public sealed record NodeOptions(string Name, TimeSpan Beat, TimeSpan TimeToLive, TimeSpan Margin)
{
    /// <summary>The hash of the provider profiles that replies are judged by.</summary>
    public Func<string> Profiles { get; init; } = static () => "";

    public static NodeOptions Of(string name) => new(name, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1));
}
