using System.Net;
using DnsClient;

namespace MailProxy.Daemon.Cli.Doctor;

/// <summary>Looks names up at one server, or at those of the machine.</summary>
internal sealed class DnsNames(IPEndPoint? server) : INameLookup
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly LookupClient _client = new(
        server is null
            ? new LookupClientOptions { Timeout = Longest, Retries = 1 }
            : new LookupClientOptions(server) { Timeout = Longest, Retries = 1 }
    );

    public async Task<IReadOnlyList<string>> TextsAsync(string name, CancellationToken stop) =>
        [.. (await AskAsync(name, QueryType.TXT, stop)).Answers.TxtRecords().Select(static record => string.Concat(record.Text))];

    public async Task<IReadOnlyList<IPAddress>> AddressesAsync(string name, CancellationToken stop)
    {
        if (IPAddress.TryParse(name.Trim('[', ']'), out var literal))
            return [literal];
        if (name.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            return [IPAddress.Loopback];
        var (four, six) = (await AskAsync(name, QueryType.A, stop), await AskAsync(name, QueryType.AAAA, stop));
        return
        [
            .. four.Answers.ARecords().Select(static one => one.Address),
            .. six.Answers.AaaaRecords().Select(static one => one.Address),
        ];
    }

    private async Task<IDnsQueryResponse> AskAsync(string name, QueryType type, CancellationToken stop)
    {
        try
        {
            var answer = await _client.QueryAsync(name, type, QueryClass.IN, stop);
            return answer.Header.ResponseCode is DnsHeaderResponseCode.NoError or DnsHeaderResponseCode.NotExistentDomain
                ? answer
                : throw new NameLookupException($"the name server answers {answer.Header.ResponseCode}");
        }
        catch (DnsResponseException error)
        {
            throw new NameLookupException(Hosting.OneLine.Of(error).TrimEnd('.'), error);
        }
    }
}
