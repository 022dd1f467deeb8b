namespace MailProxy.Pipeline.Intake;

/// <summary>How messages stand in a request.</summary>
public enum RequestShape : byte
{
    /// <summary>The request is one message.</summary>
    Message,

    /// <summary>They are the elements of the list <c>messages</c>.</summary>
    Batch,

    /// <summary>Each line is one.</summary>
    Lines,
}

/// <summary>Which strings of a message may be long.</summary>
internal enum LongString : byte
{
    None,
    Text,
    Base64,
}

/// <summary>Where in a request a walk over its JSON is, as far as that decides which strings may be long. Of JSON with faults it says
/// anything.</summary>
internal sealed class DraftPath(RequestShape shape)
{
    private const int Deepest = 6;

    // Objects and lists around the messages.
    private readonly int _outside = shape == RequestShape.Batch ? 2 : 0;
    private readonly Member[] _members = new Member[Deepest];
    private readonly bool[] _objects = new bool[Deepest];
    private int _depth;
    private bool _name; // the next string is the name of a member

    private enum Member : byte
    {
        Other,
        Messages,
        Text,
        Base64,
        Attachments,
        Content,
    }

    /// <summary>The next string is the name of a member.</summary>
    public bool AtName => _name;

    /// <summary>What the next string is, when it is a value.</summary>
    public LongString Next
    {
        get
        {
            if (!InMessages || _name)
                return LongString.None;
            return (_depth - _outside) switch
            {
                1 when _objects[_depth - 1] => _members[_depth - 1] switch
                {
                    Member.Text => LongString.Text,
                    Member.Base64 => LongString.Base64,
                    _ => LongString.None,
                },
                3
                    when _objects[_outside]
                        && _members[_outside] == Member.Attachments
                        && !_objects[_outside + 1]
                        && _objects[_outside + 2]
                        && _members[_outside + 2] == Member.Content => LongString.Base64,
                _ => LongString.None,
            };
        }
    }

    /// <summary>Whether the object or list that was opened last, or is closed next, is a message.</summary>
    public bool AtMessage => _depth == _outside + 1 && InMessages && _objects[_outside];

    private bool InMessages => _outside == 0 || (_depth >= 2 && _objects[0] && _members[0] == Member.Messages && !_objects[1]);

    public void Open(bool isObject)
    {
        if (_depth < Deepest)
        {
            _objects[_depth] = isObject;
            _members[_depth] = Member.Other;
        }

        _depth++;
        _name = isObject;
    }

    public void Close()
    {
        _depth = Math.Max(0, _depth - 1);
        _name = false;
    }

    public void Comma() => _name = _depth is > 0 and <= Deepest && _objects[_depth - 1];

    public void Colon() => _name = false;

    /// <param name="name">As written; one with escapes is none that we look for.</param>
    public void Named(ReadOnlySpan<byte> name)
    {
        if (_depth is > 0 and <= Deepest)
            _members[_depth - 1] = Read(name);
    }

    /// <summary>A new document begins.</summary>
    public void Reset() => (_depth, _name) = (0, false);

    private static Member Read(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("text"u8) || name.SequenceEqual("html"u8) ? Member.Text
        : name.SequenceEqual("raw"u8) ? Member.Base64
        : name.SequenceEqual("attachments"u8) ? Member.Attachments
        : name.SequenceEqual("content"u8) ? Member.Content
        : name.SequenceEqual("messages"u8) ? Member.Messages
        : Member.Other;
}
