"""How fast geminid is, and what it costs, beside a bare nginx in the same run.

`python -m bench` measures and writes `bench/report.md`; docs/how-to/measure-speed.md says how to
read it.  The driver, `wrk` and the mock upstream run on one core, what is measured on another.
"""
