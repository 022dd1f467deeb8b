using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace MailProxy.Daemon.Hosting;

/// <summary>Compares a configuration with the classes it will be bound to. Pure. It names settings as the classes do, and never tells the value of a text, which may be a secret.</summary>
internal static class SettingsCheck
{
    // Before binding and not after it, so that one wrong number does not hide the others.
    public static IReadOnlyList<string> Mistakes(IConfiguration configuration, params Type[] roots)
    {
        var mistakes = new List<string>();
        CheckMembers(configuration, "", roots, mistakes);
        return mistakes;
    }

    private static void CheckMembers(IConfiguration group, string path, Type[] types, List<string> mistakes)
    {
        foreach (var child in group.GetChildren())
        {
            var property = types.Select(type => Find(type, child.Key)).FirstOrDefault(found => found is not null);
            if (property is null) mistakes.Add($"{path}{child.Key}: unknown setting.");
            else Check(child, path + property.Name, property, mistakes);
        }
    }

    private static void Check(IConfigurationSection section, string path, PropertyInfo property, List<string> mistakes)
    {
        var type = property.PropertyType;
        if (IsLeaf(type))
        {
            if (section.GetChildren().Any()) mistakes.Add($"{path}: takes one value, not a group.");
            else if (section.Value is { } text) CheckValue(path, text, property, mistakes);
        }
        else if (section.Value is { Length: > 0 })
        {
            mistakes.Add(type.IsArray ? $"{path}: is a list; its first element is {path}:0." : $"{path}: is a group of settings, not one value.");
        }
        else if (type.IsArray)
        {
            CheckRules(path, section.GetChildren().Select(element => element.Value ?? "").ToArray(), property, mistakes);
        }
        else
        {
            CheckMembers(section, path + ":", [type], mistakes);
        }
    }

    private static void CheckValue(string path, string text, PropertyInfo property, List<string> mistakes)
    {
        if (Converts(text, property.PropertyType, out var value)) CheckRules(path, value, property, mistakes);
        else mistakes.Add($"{path}: '{text}' is not {Describe(property.PropertyType)}.");
    }

    private static void CheckRules(string path, object? value, PropertyInfo property, List<string> mistakes)
    {
        foreach (var rule in property.GetCustomAttributes<ValidationAttribute>())
        {
            if (!rule.IsValid(value)) mistakes.Add($"{path}: {Describe(rule)}");
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
            return value is not null && (!plain.IsEnum || Enum.IsDefined(plain, value));
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

    private static string Describe(ValidationAttribute rule) => rule switch
    {
        RequiredAttribute => "must not be empty.",
        RangeAttribute range => string.Create(CultureInfo.InvariantCulture, $"must be from {range.Minimum} to {range.Maximum}."),
        AllowedValuesAttribute allowed => $"must be one of {string.Join(", ", allowed.Values)}.",
        MinLengthAttribute least => $"must have at least {least.Length} characters.",
        RegularExpressionAttribute { ErrorMessage: null } pattern => $"must match {pattern.Pattern}",
        _ => rule.FormatErrorMessage(""),
    };
}
