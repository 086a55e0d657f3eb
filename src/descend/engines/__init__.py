"""Engines: the protocol, the plan of steps, and the three that follow it."""
