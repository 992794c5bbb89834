"""What every process needs to be run; knows no domain."""
