"""What the pieces of a request say for each tool of a catalogue, in numbers."""
