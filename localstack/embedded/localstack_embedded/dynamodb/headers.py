"""The two headers by which the engine asks the DynamoDB server for more than AWS's API."""

CONSUMER_HEADER = "x-stream-consumer"
"""Names the reader of a stream. Its TRIM_HORIZON is the oldest record that it hasn't dealt with: by
asking for the records after a position it says that it is done with the ones before."""

WAIT_HEADER = "x-stream-wait-seconds"
"""How long GetRecords may wait for a record when there is none."""
