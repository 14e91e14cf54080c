"""`geminid doctor`."""

from geminid.cli.options import ConfigPath, Home, Json
from geminid.cli.stop import Exit


def doctor(*, config: ConfigPath = "", home: Home = "", json: Json = False) -> int:
    """Say what is wrong with this installation and how to mend it."""
    from geminid.cli import terminal
    from geminid.cli.examination import as_json, as_table, examine
    from geminid.config import Boot

    boot = Boot(config_path=config, home=home)
    findings = tuple(examine(boot))
    wrong = sum(finding.state == "wrong" for finding in findings)
    if json:
        terminal.write_json(as_json(findings, boot))
    else:
        terminal.show(as_table(findings))
        terminal.tell(f"{wrong} to mend." if wrong else "Nothing is wrong.")
    return Exit.FAILED if wrong else Exit.OK
