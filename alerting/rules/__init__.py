"""Rules beside the default one: each a pure condition over a service's seconds."""
