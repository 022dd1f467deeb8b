namespace MailProxy.Pipeline.Configuration;

/// <summary>When a secret must be given, and when the one that is there is kept.</summary>
public sealed record SecretRules<T>
{
    /// <summary>Why a kept secret must not go where it would now, by what is and what was; null: it may.</summary>
    public required Func<T, T, string?> Void { get; init; }

    /// <summary>Why there must be one; null: there need not.</summary>
    public Func<T, string?> Needed { get; init; } = static _ => null;

    /// <summary>What is said of an empty one; null: as of none.</summary>
    public string? Empty { get; init; }

    /// <summary>Whether the object has a place for it.</summary>
    public Func<T, bool> Applies { get; init; } = static _ => true;

    /// <summary>It has several lines, and null is the same as absent.</summary>
    public bool Lines { get; init; }

    /// <summary>Null removes it also when it has several lines.</summary>
    public bool Removable { get; init; }

    /// <summary>A JSON object stands for its own text.</summary>
    public bool Objects { get; init; }

    internal string? Read(MemberReader members, string name, int most, T now, T? before, Func<T, string?> get)
    {
        members.ReadOnly(name + "_set");
        var removed = (!Lines || Removable) && members.IsNull(name);
        var given = Lines ? members.Lines(name, most, Objects) : members.Text(name, most);
        if (!Applies(now) || given is { Length: > 0 })
            return given;

        var kept = before is null ? null : get(before);
        if (given is null && !removed && kept is not null)
        {
            // A kept secret must not be sent to a place its owner never named.
            if (Void(now, before!) is not { } why)
                return kept;
            members.Fault(name, "secret_required", why);
        }
        else if (given is "" && Empty is not null)
            members.Fault(name, "required", Empty);
        else if ((given is not null || removed || !members.Has(name)) && Needed(now) is { } needed)
            members.Fault(name, "required", needed);
        return null;
    }
}
