"""The rules over logs that exist already: what they would have told, in event time."""
