"""A Service Bus namespace of the tests' own: queues over AMQP 1.0, driven over HTTP.

See `double.py` for how a test starts it and what it can be told, `queues.py` for what it knows.
"""
