"""nginx's two parts here: the reference proxy, and the upstream where no C compiler is."""

import os
import shutil
from pathlib import Path

from bench.problem import Missing

_CONFIG = """\
daemon off;
master_process off;
error_log stderr;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
{rest}}}
"""

_PROXY = """\
    upstream mock {{
        server 127.0.0.1:{upstream};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / {{ proxy_pass http://mock; }}
        location ~ :streamGenerateContent {{ proxy_pass http://mock; proxy_buffering off; }}
    }}
"""

_ANSWER = """\
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 404; }}
        location ~ :generateContent$ {{
            default_type "application/json; charset=UTF-8";
            return 200 '{answer}';
        }}
    }}
"""


def program() -> str:
    """The path of nginx; Debian keeps it where users' PATH does not look.

    Raises:
        Missing: it is not installed.
    """
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if found is None:
        raise Missing("nginx is not installed; on Debian: apt-get install nginx-light")
    return found


def proxying(folder: Path, port: int, upstream: int) -> tuple[str, ...]:
    """The words that start nginx as a plain proxy from `port` to `upstream`; streams unbuffered."""
    return _words(folder, _PROXY.format(port=port, upstream=upstream))


def answering(folder: Path, port: int, answer: bytes) -> tuple[str, ...]:
    """The words that start nginx as an upstream with one fixed answer; it has no quote in it."""
    return _words(folder, _ANSWER.format(port=port, answer=answer.decode()))


def _words(folder: Path, rest: str) -> tuple[str, ...]:
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, rest=rest))
    return (program(), "-c", str(config), "-p", str(folder))
