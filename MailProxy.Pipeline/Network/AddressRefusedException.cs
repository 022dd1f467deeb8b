namespace MailProxy.Pipeline.Network;

/// <summary>The host's addresses are not public and not in <c>Network:Allowed</c>. The text names the host only, never what its name led to.</summary>
public sealed class AddressRefusedException(string host)
    : Exception($"Connections to '{host}' are not allowed: it has no public address, and Network:Allowed does not name it.");
