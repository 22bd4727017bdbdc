"""Cosmos DB and Blob Storage. The modules here need `pip install 'lightning[azure]'` when imported."""
