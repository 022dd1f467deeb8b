namespace MailProxy.Daemon.Hosting;

/// <summary>One value as somebody wrote it.</summary>
/// <param name="Path">With colons between levels, as it was spelt.</param>
/// <param name="Text">Null: said to be nothing, which is the default.</param>
/// <param name="Origin">Where a person finds it: a variable, a file and its line, an argument. Empty: nowhere.</param>
internal sealed record SettingValue(string Path, string? Text, string Origin);
