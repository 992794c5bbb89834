"""Envoy's configuration as typed code; the rendered files are in `envoy/`."""
