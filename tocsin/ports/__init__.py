"""What the components need of the world, as protocols: the bus and its parts."""
