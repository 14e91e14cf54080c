"""geminid: Gemini 3's API, self-hosted.  One server, any client, any engine."""

__version__ = "0.1.0"
