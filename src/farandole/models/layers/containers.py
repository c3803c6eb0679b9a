"""torch's collections of modules for the type checker: they know what they hold, where torch's own say `Module` of everything."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from torch import nn

M = TypeVar("M", bound=nn.Module)

if TYPE_CHECKING:

    class ModuleList(nn.ModuleList, Generic[M]):
        """`nn.ModuleList` of one kind of modules."""

        def __init__(self, modules: Iterable[M] = ()) -> None: ...

        def __iter__(self) -> Iterator[M]: ...

        @overload
        def __getitem__(self, idx: slice) -> ModuleList[M]: ...

        @overload
        def __getitem__(self, idx: int) -> M: ...

        def __getitem__(self, idx: slice | int) -> ModuleList[M] | M: ...

    class ModuleDict(nn.ModuleDict, Generic[M]):
        """`nn.ModuleDict` of one kind of modules."""

        def __init__(self, modules: Mapping[str, M] | None = None) -> None: ...

        def __getitem__(self, key: str) -> M: ...

        def items(self) -> ItemsView[str, M]: ...

else:
    ModuleDict, ModuleList = nn.ModuleDict, nn.ModuleList
