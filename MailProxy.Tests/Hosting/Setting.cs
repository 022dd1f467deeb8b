using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline;

namespace MailProxy.Tests.Hosting;

/// <summary>One setting as the option classes declare it.</summary>
/// <param name="Path">With colons, as in error messages and on the command line.</param>
/// <param name="Default">What its class holds when nothing is set.</param>
internal sealed record Setting(string Path, PropertyInfo Property, object? Default)
{
    /// <summary>Variables whose name is not derived from the path.</summary>
    private static readonly Dictionary<string, string> Short = new() { ["AdminKey"] = "ADMIN_KEY", ["MasterKey"] = "MASTER_KEY" };

    public string Variable =>
        "MAILPROXY_"
        + (Short.TryGetValue(Path, out var name) ? name : Path.ToUpperInvariant().Replace(":", "__", StringComparison.Ordinal))
        + (IsList ? "__0" : "");

    /// <summary>Its path without its name; empty at the top level.</summary>
    public string Group => Path.Contains(':') ? Path[..Path.LastIndexOf(':')] : "";

    public bool IsList => Property.PropertyType.IsArray;

    public string DefaultText => Text(Default);

    public string Range
    {
        get
        {
            var type = Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;
            if (type.IsEnum)
                return string.Join(", ", Enum.GetNames(type));
            if (type == typeof(bool))
                return "true, false";
            foreach (var rule in Property.GetCustomAttributes<ValidationAttribute>())
            {
                // Only whole numbers have a maximum that is no limit at all.
                if (rule is RangeAttribute range)
                    return range.Maximum is double and > 9e18
                        ? $"from {Text(range.Minimum)}"
                        : $"{Text(range.Minimum)} to {Text(range.Maximum)}";
                if (rule is AllowedValuesAttribute allowed)
                    return string.Join(", ", allowed.Values);
                if (rule is MinLengthAttribute least)
                    return $"from {least.Length} characters";
            }

            return IsList ? "list" : "text";
        }
    }

    public static IReadOnlyList<Setting> All { get; } =
    [.. Of(typeof(DaemonSettings), new DaemonSettings(), ""), .. Of(typeof(PipelineOptions), new PipelineOptions(), "")];

    private static IEnumerable<Setting> Of(Type type, object? instance, string path)
    {
        foreach (var property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public).Where(p => p.CanWrite))
        {
            var value = property.GetValue(instance);
            var here = path + property.Name;
            var isGroup = property.PropertyType is { IsClass: true, IsArray: false } && property.PropertyType != typeof(string);
            foreach (var setting in isGroup ? Of(property.PropertyType, value, here + ":") : [new Setting(here, property, value)])
                yield return setting;
        }
    }

    private static string Text(object? value) =>
        value switch
        {
            null => "none",
            bool flag => flag ? "true" : "false",
            string text => text,
            ICollection { Count: 0 } => "none",
            IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };
}
