"""The composition root: builds components from configuration and runs them."""
