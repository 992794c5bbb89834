"""Keeps why requests were refused."""
