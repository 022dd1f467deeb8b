namespace MailProxy.Daemon.Hosting;

/// <summary>One value of a setting as it was written.</summary>
/// <param name="Path">With colons between levels, in the spelling of the source.</param>
/// <param name="Text">Null: explicitly nothing, which means the default.</param>
/// <param name="Origin">Where the value was written: a variable, a file and its line, an argument. Empty: unknown.</param>
internal sealed record SettingValue(string Path, string? Text, string Origin);
