"""What the tool shed does, apart from being served."""
