namespace MailProxy.Tests.Fuzz;

/// <summary>One request as the fuzz throws it.</summary>
internal sealed record ThrownRequest(string Method, string Path, string? ContentType, string? Encoding, byte[]? Body)
{
    public override string ToString() =>
        $"{Method} {Path} {ContentType} "
        + $"{Encoding}\n{(Body is null ? "" : System.Text.Encoding.Latin1.GetString(Body, 0, Math.Min(Body.Length, 2_000)))}";
}
