"""Options that several commands share, so that they read the same everywhere."""

from typing import Annotated, TypeAlias

from cyclopts import Parameter

ConfigPath: TypeAlias = Annotated[
    str, Parameter("--config", metavar="FILE", help="Configuration file [geminid.toml]")
]
Home: TypeAlias = Annotated[
    str, Parameter("--home", metavar="DIR", help="Folder of the server's state [GEMINID_HOME]")
]
Url: TypeAlias = Annotated[
    str, Parameter("--url", metavar="URL", help="Server to ask [the configured one]")
]
Json: TypeAlias = Annotated[bool, Parameter("--json", help="Print JSON")]
