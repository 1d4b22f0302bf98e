"""The data folder: the embedded database and the demo's tokens are nobody's business but the owner's."""

from contextlib import suppress

from xrm_core.settings import Settings


def make_data_folder(settings: Settings) -> None:
    """Make the data folder with access for its owner only, if the database will be in it and it is not there yet.

    A folder that is there stays as it is: somebody may have opened it to a group on purpose.
    """
    folder = settings.data_dir.expanduser()
    if settings.database_url.startswith(f"sqlite:///{folder}/"):
        with suppress(OSError):  # it is there; or it cannot be made, which the database will say better
            folder.mkdir(mode=0o700, parents=True)
