"""What `geminid serve` says when it answers."""

from geminid import __version__
from geminid.config import Config
from geminid.engines.weights import known

DEFAULT_MODEL = "gemini-3-pro-preview"


def greeting(url: str, config: Config) -> str:
    """The address, and a request to paste."""
    key = "" if not config.callers else " -H 'x-goog-api-key: YOUR-KEY'"
    body = '{"contents":[{"parts":[{"text":"Say hello."}]}]}'
    lines = [
        f"geminid {__version__} answers at {url}",
        "",
        f"  curl {url}/v1beta/models/{_model(config)}:generateContent{key} \\",
        f"    -H 'content-type: application/json' -d '{body}'",
        "",
    ]
    if _only_smoke_tests(config):
        lines += [
            "It answers from a small smoke-test model: fine to try clients on, not to rely on.",
            "For a real one set GEMINI_API_KEY, or add a [[channel]] to geminid.toml.",
        ]
    return "\n".join(lines)


def model_ready(model: str, channel: str) -> str:
    """That a local model is loaded."""
    return f"{model} is loaded (channel {channel})."


def _model(config: Config) -> str:
    first = max(config.channels, key=lambda channel: channel.priority)
    ours = [model.ours for model in first.models]
    return DEFAULT_MODEL if not ours or DEFAULT_MODEL in ours else ours[0]


def _only_smoke_tests(config: Config) -> bool:
    found = [
        known(channel.weights) if channel.engine == "llama" else None for channel in config.channels
    ]
    return all(weights is not None and weights.smoke_test for weights in found)
