"""Two headers with which the engine asks the DynamoDB server for more than AWS's API offers."""

CONSUMER_HEADER = "x-stream-consumer"
"""Names the reader of a stream. Its TRIM_HORIZON is the oldest record that it has not processed: a
request for the records after a position confirms the records before it."""

WAIT_HEADER = "x-stream-wait-seconds"
"""How long GetRecords may wait, in seconds, when there are no records."""
