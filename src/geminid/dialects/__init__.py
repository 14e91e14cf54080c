"""Sans-IO codecs: a wire language's bytes to and from the core.  None knows of another."""
