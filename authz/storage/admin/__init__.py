"""Where what can be administered is kept, and the one way in which it changes."""
