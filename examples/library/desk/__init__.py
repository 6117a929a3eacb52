"""What the library does, apart from being served."""
