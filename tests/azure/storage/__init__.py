"""The Blob Storage of one account over REST, in memory."""
