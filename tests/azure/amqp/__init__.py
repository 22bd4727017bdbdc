"""AMQP 1.0, the broker's side: types, frames, messages, connections and links."""
