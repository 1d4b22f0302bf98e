"""CSV files → records, through the door for writes: all rows or none, or the good ones and a report of the others."""

from xrm_core.records.importing.importer import import_csv
from xrm_core.records.importing.options import ImportOptions, parse_mappings, parse_replacements, parse_said
from xrm_core.records.importing.report import ImportResult, RowProblem, write_report

__all__ = [
    "ImportOptions",
    "ImportResult",
    "RowProblem",
    "import_csv",
    "parse_mappings",
    "parse_replacements",
    "parse_said",
    "write_report",
]
