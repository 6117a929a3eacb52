"""Regular expressions of contracts: which of them the engines that check values can run."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def compiles(pattern: str) -> bool:
    """Tell whether a pattern can be compiled by one of the engines that values are checked with."""
    import jsonschema_rs  # only contracts that are read anew need it

    for options in (jsonschema_rs.RegexOptions(), jsonschema_rs.FancyRegexOptions()):
        try:
            jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)
        except ValueError:
            continue
        return True
    return False
