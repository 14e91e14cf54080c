"""Sans-IO codecs: bytes of a wire language to and from the core.  They know nothing of each other."""
