"""`geminid doctor`."""

from typing import Annotated

from cyclopts import Parameter

from geminid.cli.options import ConfigPath, Home, Json
from geminid.cli.stop import Exit


def doctor(
    *,
    config: ConfigPath = "",
    home: Home = "",
    rules: Annotated[
        bool, Parameter("--rules", help="List the rules that requests are held to instead")
    ] = False,
    json: Json = False,
) -> int:
    """Say what is wrong with this installation and how to mend it."""
    if rules:
        return _rules(json=json)
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


def _rules(*, json: bool) -> int:
    from geminid.catalog import load_rules
    from geminid.cli import terminal
    from geminid.cli.rules import as_json, as_list, as_table

    found = load_rules()
    if json:
        terminal.write_json(as_json(found))
        return Exit.OK
    terminal.show(as_list(found) if terminal.output().is_terminal else as_table(found))
    doubtful = sum(rule.unsure for rule in found)
    terminal.tell(f"{len(found)} rules; {doubtful} are unsure, in text or in fact.")
    return Exit.OK
