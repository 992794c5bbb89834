"""Find leaked API keys offline: in files, in streams and in git history."""
