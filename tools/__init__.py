"""What more than one nox session of this repository needs."""
