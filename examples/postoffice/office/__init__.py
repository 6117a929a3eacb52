"""What the post office does, apart from being served."""
