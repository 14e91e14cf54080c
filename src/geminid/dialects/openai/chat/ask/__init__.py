"""What a request asks for: its fields, and what one model can take of them."""
