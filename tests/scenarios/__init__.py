"""What the collector survives: the real program, real files, a real bus.

Tests are named after their scenario's number and claim.
"""
