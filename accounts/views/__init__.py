"""Pages: sign in, sign out, settings."""
