using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using MailProxy.Pipeline;

namespace MailProxy.Daemon.Hosting;

/// <summary>Reads the settings from files, environment and command line, and reports every mistake at once.</summary>
internal static class SettingsReader
{
    private const string Prefix = "MAILPROXY_";

    /// <summary>Variables of the command line tools, not of the daemon.</summary>
    private static readonly HashSet<string> NotSettings = new(StringComparer.OrdinalIgnoreCase) { "Url", "Key" };

    public static IConfigurationRoot Sources(string[] args, string baseDirectory, string installedFile = "/etc/mailproxy/appsettings.json") =>
        new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(baseDirectory, "appsettings.json"), optional: true, reloadOnChange: false)
            .AddJsonFile(installedFile, optional: true, reloadOnChange: false)
            .AddInMemoryCollection(FromEnvironment())
            .AddCommandLine(args)
            .Build();

    /// <summary>The settings, or every reason why there are none.</summary>
    public static (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(IConfiguration configuration)
    {
        var mistakes = new List<string>();
        foreach (var section in configuration.GetChildren())
        {
            var shell = Find(typeof(DaemonSettings), section.Key);
            var property = shell ?? Find(typeof(PipelineOptions), section.Key);
            if (property is null) mistakes.Add($"{section.Path}: unknown setting.");
            else Check(section, property, mistakes);
        }

        if (mistakes.Count > 0) return (null, mistakes);

        var settings = configuration.Get<DaemonSettings>() ?? new();
        settings.Engine = configuration.Get<PipelineOptions>() ?? new();
        return (settings, mistakes);
    }

    /// <summary>MAILPROXY_INGEST__MAXMESSAGES is Ingest:MaxMessages; short names such as MAILPROXY_ADMIN_KEY lose their underscores.</summary>
    private static Dictionary<string, string?> FromEnvironment()
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            var name = (string)variable.Key;
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            var key = string.Join(':', name[Prefix.Length..].Split("__").Select(part => part.Replace("_", "", StringComparison.Ordinal)));
            if (!NotSettings.Contains(key)) values[key] = (string?)variable.Value;
        }

        return values;
    }

    private static void Check(IConfigurationSection section, PropertyInfo property, List<string> mistakes)
    {
        var type = property.PropertyType;
        if (IsLeaf(type))
        {
            if (section.GetChildren().Any()) mistakes.Add($"{section.Path}: takes one value, not a group.");
            else if (section.Value is { } text) CheckValue(section.Path, text, property, mistakes);
            return;
        }

        if (type.IsArray) return;
        if (section.Value is { Length: > 0 }) mistakes.Add($"{section.Path}: is a group of settings, not one value.");
        foreach (var child in section.GetChildren())
        {
            if (Find(type, child.Key) is { } nested) Check(child, nested, mistakes);
            else mistakes.Add($"{child.Path}: unknown setting.");
        }
    }

    // Ranges are checked here and not after binding, so that one wrong number does not hide the others.
    private static void CheckValue(string path, string text, PropertyInfo property, List<string> mistakes)
    {
        if (!Converts(text, property.PropertyType, out var value))
        {
            mistakes.Add($"{path}: '{text}' is not {Describe(property.PropertyType)}.");
            return;
        }

        foreach (var rule in property.GetCustomAttributes<ValidationAttribute>())
        {
            if (!rule.IsValid(value)) mistakes.Add($"{path}: {rule.FormatErrorMessage(property.Name)}");
        }
    }

    private static PropertyInfo? Find(Type type, string name) => Array.Find(
        type.GetProperties(BindingFlags.Instance | BindingFlags.Public),
        p => p.CanWrite && p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static bool IsLeaf(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain.IsPrimitive || plain.IsEnum || plain == typeof(string) || plain == typeof(TimeSpan) || plain == typeof(decimal);
    }

    private static bool Converts(string text, Type type, out object? value)
    {
        value = null;
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        if (text.Length == 0 && (plain != type || plain == typeof(string))) return true;
        try
        {
            value = TypeDescriptor.GetConverter(plain).ConvertFromInvariantString(text);
            return value is not null;
        }
        catch (Exception wrong) when (wrong is FormatException or ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    private static string Describe(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(plain))
            : plain == typeof(bool) ? "true or false"
            : plain == typeof(TimeSpan) ? "a time span such as 00:00:30"
            : "a number in range";
    }
}
