using System.Diagnostics;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Telemetry;

/// <summary>A span that is recorded. Its attributes never hold addresses, subjects or contents.</summary>
public sealed class MailSpan
{
    private readonly Activity _activity;

    internal MailSpan(Activity activity) => _activity = activity;

    /// <summary>What children of it, and other programs, are told.</summary>
    public TraceContext Context =>
        new(
            $"00-{_activity.TraceId}-{_activity.SpanId}-{(_activity.Recorded ? "01" : "00")}",
            string.IsNullOrEmpty(_activity.TraceStateString) ? null : _activity.TraceStateString
        );

    /// <param name="value">Null: nothing is set.</param>
    public MailSpan Set(string name, object? value)
    {
        if (value is not null)
            _activity.SetTag(name, value);
        return this;
    }

    /// <summary>The message that it is about.</summary>
    public MailSpan About(MessageKey key) => Set("mailproxy.tenant", key.Tenant).Set("mailproxy.message.id", key.Id);

    /// <summary>It did not do what it was to do.</summary>
    /// <param name="type">One of few words: <c>error.type</c>.</param>
    public MailSpan Failed(string type)
    {
        _activity.SetTag("error.type", type);
        _activity.SetStatus(ActivityStatusCode.Error);
        return this;
    }

    /// <summary>Ends it; it must not be used any more.</summary>
    public void End(DateTimeOffset at)
    {
        var current = Activity.Current;
        var end = at.UtcDateTime;
        _activity.SetEndTime(end < _activity.StartTimeUtc ? _activity.StartTimeUtc : end); // a clock may step back
        _activity.Stop();
        Activity.Current = current;
    }
}
