"""Tocsin: real-time log ingestion and alerting; this package is the shared spine."""

__version__ = "0.1.0"
