"""Plugins: found by entry point, loaded in a stated order, called one by one under their names."""

from xrm_core.plugins.loading import load_plugins
from xrm_core.plugins.plugin_settings import Secret, SettingInfo
from xrm_core.plugins.plugins import Hook, PluginInfo, Plugins, copied, read_only
from xrm_core.plugins.registration import InstalledPlugin, wrong_name

__all__ = [
    "Hook",
    "InstalledPlugin",
    "PluginInfo",
    "Plugins",
    "Secret",
    "SettingInfo",
    "copied",
    "load_plugins",
    "read_only",
    "wrong_name",
]
