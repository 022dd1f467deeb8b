using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Compares a configuration with the classes it will be bound to. Pure. Mistakes name a setting as the classes do, and where it was
/// written;
/// they never contain the value of a text, which may be a secret.
/// </summary>
internal sealed class SettingsCheck
{
    private readonly IReadOnlyDictionary<string, SettingValue> _written;
    private readonly List<string> _mistakes = [];
    private readonly Dictionary<string, TimeSpan> _times = [];

    private SettingsCheck(IReadOnlyDictionary<string, SettingValue> written) => _written = written;

    public IReadOnlyList<string> Mistakes => _mistakes;

    /// <summary>The times among the settings, by path. They are parsed here, because the parser of .NET would read some of them
    /// differently.</summary>
    public IReadOnlyDictionary<string, TimeSpan> Times => _times;

    // Checked before binding, so that one wrong number does not hide the other mistakes.
    public static SettingsCheck Of(IConfiguration configuration, IReadOnlyDictionary<string, SettingValue> written, params Type[] roots)
    {
        var check = new SettingsCheck(written);
        check.CheckMembers(configuration, "", roots);
        return check;
    }

    private void CheckMembers(IConfiguration group, string path, Type[] types)
    {
        foreach (var child in group.GetChildren())
        {
            var property = types.Select(type => Find(type, child.Key)).FirstOrDefault(found => found is not null);
            if (property is null)
                Add(child, path + child.Key, "unknown setting.");
            else
                Check(child, path + property.Name, property);
        }
    }

    private void Check(IConfigurationSection section, string path, PropertyInfo property)
    {
        var type = property.PropertyType;
        if (IsLeaf(type))
        {
            if (section.GetChildren().Any())
                Add(section, path, "takes one value, not a group.");
            else if (section.Value is { } text)
                CheckValue(section, path, text, property);
        }
        else if (section.Value is { Length: > 0 })
        {
            Add(section, path, type.IsArray ? $"is a list; its first element is {path}:0." : "is a group of settings, not one value.");
        }
        else if (type.IsArray)
        {
            CheckList(section, path, property);
        }
        else
        {
            CheckMembers(section, path + ":", [type]);
        }
    }

    private void CheckList(IConfigurationSection section, string path, PropertyInfo property)
    {
        IConfigurationSection[] elements = [.. section.GetChildren()];
        var named = elements.FirstOrDefault(static e => !int.TryParse(e.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        var group = elements.FirstOrDefault(static e => e.Value is null);
        if (named is not null)
            Add(named, $"{path}:{named.Key}", "unknown setting: the elements of a list are numbered from 0.");
        else if (group is not null)
            Add(group, $"{path}:{group.Key}", "takes one value, not a group.");
        else
            CheckRules(section, path, elements.Select(e => e.Value!).ToArray(), property);
    }

    private void CheckValue(IConfigurationSection section, string path, string text, PropertyInfo property)
    {
        if (!Converts(text, property.PropertyType, out var value))
            Add(section, path, $"'{OneLine.Quote(text)}' is not " + $"{Describe(property.PropertyType)}.");
        else
            CheckRules(section, path, value, property);
        if (value is TimeSpan time)
            _times[section.Path] = time;
    }

    private void CheckRules(IConfigurationSection section, string path, object? value, PropertyInfo property)
    {
        foreach (var rule in property.GetCustomAttributes<ValidationAttribute>())
        {
            if (!rule.IsValid(value))
                Add(section, path, Describe(rule));
        }
    }

    private void Add(IConfigurationSection section, string path, string what)
    {
        var origin = Origin(section);
        _mistakes.Add(origin.Length == 0 ? $"{path}: {what}" : $"{path} ({origin}): {what}");
    }

    // A group or a list has no value of its own; the origin is that of its first value.
    private string Origin(IConfigurationSection section)
    {
        if (_written.TryGetValue(section.Path, out var value))
            return value.Origin;
        return _written.Values.FirstOrDefault(v => v.Path.StartsWith(section.Path + ":", StringComparison.OrdinalIgnoreCase))?.Origin ?? "";
    }

    private static PropertyInfo? Find(Type type, string name) =>
        Array.Find(
            type.GetProperties(BindingFlags.Instance | BindingFlags.Public),
            p => p.CanWrite && p.Name.Equals(name, StringComparison.OrdinalIgnoreCase)
        );

    private static bool IsLeaf(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain.IsPrimitive || plain.IsEnum || plain == typeof(string) || plain == typeof(TimeSpan) || plain == typeof(decimal);
    }

    private static bool Converts(string text, Type type, out object? value)
    {
        value = null;
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        if (text.Length == 0 && (plain != type || plain == typeof(string)))
            return true;
        if (plain == typeof(TimeSpan))
        {
            var isTime = Durations.TryParse(text, out var time);
            value = isTime ? time : null;
            return isTime;
        }

        try
        {
            value = TypeDescriptor.GetConverter(plain).ConvertFromInvariantString(text);
            return value is not null && (!plain.IsEnum || Enum.IsDefined(plain, value));
        }
        catch (Exception error) when (error is FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            return false;
        }
    }

    private static string Describe(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(plain))
            : plain == typeof(bool) ? "true or false"
            : plain == typeof(TimeSpan) ? "a time: write hh:mm:ss (the hours may be more than 23) or d.hh:mm:ss"
            : "a number in range";
    }

    private static string Describe(ValidationAttribute rule) =>
        rule switch
        {
            RequiredAttribute => "must not be empty.",
            RangeAttribute range => string.Create(CultureInfo.InvariantCulture, $"must be from {range.Minimum} to {range.Maximum}."),
            AllowedValuesAttribute allowed => $"must be one of {string.Join(", ", allowed.Values)}.",
            MinLengthAttribute least => $"must have at least {least.Length} characters, blanks at its ends not counted.",
            RegularExpressionAttribute { ErrorMessage: null } pattern => $"must match {pattern.Pattern}",
            _ => rule.FormatErrorMessage(""),
        };
}
