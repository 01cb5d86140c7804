"""`tocsin demo`: realistic logs of several services, and Tocsin watching them."""
