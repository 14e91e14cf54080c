"""`geminid serve`."""

from typing import Annotated

from cyclopts import Parameter

from geminid.cli.options import ConfigPath, Home


def serve(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on [127.0.0.1]")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on, 0 takes any [7733]")] = None,
    config: ConfigPath = "",
    home: Home = "",
) -> int:
    """Serve the API until told to stop."""
    from geminid.config import Boot
    from geminid.processes.supervisor import serve

    return serve(Boot(config_path=config, home=home, host=host, port=port))
