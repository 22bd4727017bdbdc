"""The bus on Azure: queues in Service Bus, the log in Cosmos DB. The modules here need
`pip install 'lightning[azure]'` when imported."""
