using Amazon.S3;
using Amazon.S3.Model;
using Amazon.S3.Transfer;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Writes a file as an object of an S3-compatible store; a large one in parts, reading one part at a time.</summary>
internal static class S3Upload
{
    private const long PartBytes = 8 * 1024 * 1024;

    public static async Task PutAsync(IAmazonS3 client, VolumeConfig.S3 store, string key, LargeFile file, CancellationToken cancel)
    {
        // S3 accepts at most 10,000 parts.
        var part = Math.Max(PartBytes, file.Size / 9_000);
        if (!store.ChunkedUpload)
        {
            if (file.Size <= part)
                await PutWholeAsync(client, store, key, file, cancel);
            else
                await PutPartsAsync(client, store, key, file, part, cancel);
            return;
        }

        using var transfer = new TransferUtility(
            client,
            new TransferUtilityConfig { ConcurrentServiceRequests = 2, MinSizeBeforePartUpload = PartBytes }
        );
        var request = new TransferUtilityUploadRequest
        {
            BucketName = store.Bucket,
            Key = store.KeyOf(key),
            InputStream = file.Open(),
            AutoCloseStream = true,
            PartSize = part,
            ContentType = LinkAddress.ContentType(file.ContentType),
        };
        request.Headers.ContentDisposition = DownloadName.Header(file.Name);
        await transfer.UploadAsync(request, cancel);
    }

    // The transfer utility cannot be told to omit aws-chunked, so for stores that do not support it the parts are sent here.
    private static async Task PutWholeAsync(IAmazonS3 client, VolumeConfig.S3 store, string key, LargeFile file, CancellationToken cancel)
    {
        var request = new PutObjectRequest
        {
            BucketName = store.Bucket,
            Key = store.KeyOf(key),
            InputStream = file.Open(),
            AutoCloseStream = true,
            ContentType = LinkAddress.ContentType(file.ContentType),
            UseChunkEncoding = false,
        };
        request.Headers.ContentDisposition = DownloadName.Header(file.Name);
        await client.PutObjectAsync(request, cancel);
    }

    private static async Task PutPartsAsync(
        IAmazonS3 client,
        VolumeConfig.S3 store,
        string key,
        LargeFile file,
        long part,
        CancellationToken cancel
    )
    {
        var (bucket, name) = (store.Bucket, store.KeyOf(key));
        var request = new InitiateMultipartUploadRequest
        {
            BucketName = bucket,
            Key = name,
            ContentType = LinkAddress.ContentType(file.ContentType),
        };
        request.Headers.ContentDisposition = DownloadName.Header(file.Name);
        var upload = (await client.InitiateMultipartUploadAsync(request, cancel)).UploadId;
        try
        {
            var parts = new List<PartETag>();
            for (long at = 0; at < file.Size; at += part)
            {
                await using var content = file.Open();
                content.Position = at;
                var answer = await client.UploadPartAsync(
                    new()
                    {
                        BucketName = bucket,
                        Key = name,
                        UploadId = upload,
                        PartNumber = parts.Count + 1,
                        PartSize = Math.Min(part, file.Size - at),
                        InputStream = content,
                        UseChunkEncoding = false,
                    },
                    cancel
                );
                parts.Add(new(parts.Count + 1, answer.ETag));
            }

            await client.CompleteMultipartUploadAsync(
                new()
                {
                    BucketName = bucket,
                    Key = name,
                    UploadId = upload,
                    PartETags = parts,
                },
                cancel
            );
        }
        catch
        {
            await GiveUpAsync(client, bucket, name, upload);
            throw;
        }
    }

    // The store keeps, and charges for, the parts of an unfinished upload until it is aborted.
    private static async Task GiveUpAsync(IAmazonS3 client, string bucket, string key, string upload)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var abort = client.AbortMultipartUploadAsync(
            new()
            {
                BucketName = bucket,
                Key = key,
                UploadId = upload,
            },
            timeout.Token
        );
        await ((Task)abort).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
