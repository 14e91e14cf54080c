"""What is answered: whole, and in chunks."""
