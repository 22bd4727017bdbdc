"""A Cosmos DB account over REST, in memory: what our adapters use of it, and the refusals of the real one."""
