"""The effective configuration, fit to be shown: no secret is in it."""

from geminid.config.model import Channel, Config


def describe(config: Config) -> dict[str, object]:
    """`config` as a JSON object.  Keys appear as where they came from, callers by name."""
    server = config.server
    return {
        "source": str(config.source) if config.source else None,
        "home": str(config.home),
        "models_dir": str(config.models_dir),
        "server": {name: getattr(server, name) for name in server.__struct_fields__},
        "channels": [_channel(channel) for channel in config.channels],
        "callers": [caller.name for caller in config.callers],
        "limits": {name: getattr(config.limits, name) for name in config.limits.__struct_fields__},
        "vault": {name: getattr(config.vault, name) for name in config.vault.__struct_fields__},
        "warnings": list(config.warnings),
    }


def _channel(channel: Channel) -> dict[str, object]:
    shown: dict[str, object] = {
        name: getattr(channel, name)
        for name, default in zip(
            channel.__struct_fields__[2:], channel.__struct_defaults__, strict=True
        )
        if getattr(channel, name) != default
    }
    if channel.key:
        shown["key"] = channel.key.source
    if channel.script:
        shown["script"] = channel.script.path
    if channel.models:
        shown["models"] = [f"{entry.ours}={entry.theirs}" for entry in channel.models]
    return {"name": channel.name, "engine": channel.engine, **shown}
