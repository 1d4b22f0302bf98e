"""Plugins: found by entry point, loaded in a stated order, called one by one under their names."""

from xrm_core.plugins.loading import load_plugins
from xrm_core.plugins.plugins import PluginInfo, Plugins
from xrm_core.plugins.registration import InstalledPlugin

__all__ = ["InstalledPlugin", "PluginInfo", "Plugins", "load_plugins"]
