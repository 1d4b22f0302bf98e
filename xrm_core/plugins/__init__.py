"""Plugins: found by entry point, loaded in a stated order, called one by one under their names."""

from xrm_core.plugins.loading import load_plugins
from xrm_core.plugins.plugins import PluginInfo, Plugins, Then
from xrm_core.plugins.registration import InstalledPlugin

__all__ = ["InstalledPlugin", "PluginInfo", "Plugins", "Then", "load_plugins"]
