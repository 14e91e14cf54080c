"""What was said before: messages as core contents, with the signatures that came."""
