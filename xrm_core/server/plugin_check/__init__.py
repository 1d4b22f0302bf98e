"""What ``xrm plugins check`` finds in a plugin, one file for each kind of mistake."""

from xrm_core.server.plugin_check.check import check_plugin
from xrm_core.server.plugin_check.findings import Finding, Report

__all__ = ["Finding", "Report", "check_plugin"]
