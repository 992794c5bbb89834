"""The HTTP on which accounts ask for their usage."""
