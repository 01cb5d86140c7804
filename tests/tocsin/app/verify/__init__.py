"""The proof that `tocsin verify` gives."""
