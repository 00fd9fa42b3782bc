"""A registry of vendors: names, and the folders that describe them, each read when it is first asked for."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TypeVar

Described = TypeVar("Described")


class Folders(Mapping[str, Described]):
    """By name, what each folder says in `attribute` of its `module`; in the order in which they are listed."""

    def __init__(self, folders: Mapping[str, str], *, module: str, attribute: str) -> None:
        self.folders = dict(folders)
        self._module, self._attribute = module, attribute

    def __getitem__(self, name: str) -> Described:
        module = import_module(f"{self.folders[name]}.{self._module}")
        described: Described = getattr(module, self._attribute)
        return described

    def __contains__(self, name: object) -> bool:
        return name in self.folders

    def __iter__(self) -> Iterator[str]:
        return iter(self.folders)

    def __len__(self) -> int:
        return len(self.folders)
