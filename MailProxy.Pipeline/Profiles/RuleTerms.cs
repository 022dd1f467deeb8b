namespace MailProxy.Pipeline.Profiles;

/// <summary>What a reply answers.</summary>
public enum ReplyPhase : byte
{
    Greeting,
    Hello,
    StartTls,
    Authenticate,
    Mail,
    Recipient,
    Data,

    /// <summary>The end of the message, or a refusal in the midst of it.</summary>
    Final,
}

/// <summary>What a rule's reply is about.</summary>
public enum RuleScope : byte
{
    Recipient,
    Message,

    /// <summary>The address in From, on the account that the mail went by.</summary>
    Sender,

    /// <summary>The recipient's domain, on the account that the mail went by.</summary>
    Destination,
    Account,

    /// <summary>Every account that belongs to the same customer of the provider.</summary>
    ProviderTenant,
}

/// <summary>What a rule asks for.</summary>
public enum RuleAction : byte
{
    Retry,
    Fail,
    Exclude,
    Slow,
    Close,
    Open,
    Reconnect,
    NextTransaction,
    OneDestination,
    Hint,
}

/// <summary>Which circuit a rule opens.</summary>
public enum CircuitKind : byte
{
    Authentication,
    Connection,
    Tls,
    Protocol,
    Quota,
}

/// <summary>How profiles write those terms.</summary>
public static class RuleTerms
{
    public static readonly Names<ReplyPhase> Phases = new(
        ("greeting", ReplyPhase.Greeting),
        ("ehlo", ReplyPhase.Hello),
        ("starttls", ReplyPhase.StartTls),
        ("auth", ReplyPhase.Authenticate),
        ("mail", ReplyPhase.Mail),
        ("rcpt", ReplyPhase.Recipient),
        ("data", ReplyPhase.Data),
        ("dot", ReplyPhase.Final)
    );

    public static readonly Names<RuleScope> Scopes = new(
        ("recipient", RuleScope.Recipient),
        ("message", RuleScope.Message),
        ("sender", RuleScope.Sender),
        ("destination", RuleScope.Destination),
        ("account", RuleScope.Account),
        ("provider_tenant", RuleScope.ProviderTenant)
    );

    public static readonly Names<RuleAction> Actions = new(
        ("retry", RuleAction.Retry),
        ("fail", RuleAction.Fail),
        ("exclude", RuleAction.Exclude),
        ("slow", RuleAction.Slow),
        ("close", RuleAction.Close),
        ("open", RuleAction.Open),
        ("reconnect", RuleAction.Reconnect),
        ("next_transaction", RuleAction.NextTransaction),
        ("one_destination", RuleAction.OneDestination),
        ("hint", RuleAction.Hint)
    );

    public static readonly Names<CircuitKind> Circuits = new(
        ("authentication", CircuitKind.Authentication),
        ("connection", CircuitKind.Connection),
        ("tls", CircuitKind.Tls),
        ("protocol", CircuitKind.Protocol),
        ("quota", CircuitKind.Quota)
    );
}
